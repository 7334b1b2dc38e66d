"""The card of a checkpoint: all that predicting and measuring needs, without the training run."""

import json
import os
from collections import Counter
from pathlib import Path
from typing import Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, computed_field

from dsbs.artifacts.manifest import FileRecord
from dsbs.artifacts.results.base import CellKey
from dsbs.config.base import Decode, ScoreNorm
from dsbs.config.recipe_options import TaskPrefix
from dsbs.core.errors import InputError
from dsbs.core.files import write_text
from dsbs.core.records import FamilyName, Method, needs_teacher
from dsbs.core.version import __version__
from dsbs.metrics.distributions import Mean
from dsbs.metrics.label_counts import LabelCounts
from dsbs.tasks.labels import LabelKind
from dsbs.tasks.task import Task

BEST = "best"
"""The folder of a train run that holds its student."""
CARD = "dsbs.json"
_MOST_LABELS = 10
"""Labels that a card counts: enough for any that a tenth of the rows have."""
SCHEMA_VERSION = 1
"""Raised whenever an older dsbs would misread a card. A new field with a default needs no raise."""


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")


class Place(_Part):
    """A file or folder that may move, alone or together with the checkpoint."""

    path: str
    """Absolute."""
    relative: str
    """As seen from the checkpoint."""

    @classmethod
    def of(cls, path: Path, checkpoint: Path) -> Self:
        """The place of a path that exists now."""
        relative = os.path.relpath(path.resolve(), checkpoint.resolve())
        return cls(path=str(path.resolve()), relative=relative)

    def find(self, checkpoint: Path) -> Path | None:
        """Where it is now, seen from where the checkpoint is now; None where it is gone."""
        places = (Path(self.path), checkpoint / self.relative)
        return next((place for place in places if place.exists()), None)


class TrainingFacts(CellKey):
    """What tables say about the student."""

    selected_by: str


class DataFacts(_Part):
    """The data that the student was trained on."""

    place: Place | None = None
    """None: the task's own."""
    split_seed: int = 0
    skip_incomplete: bool = False
    calibration_frac: float = 0.0
    """Share of the training rows that were held for calibration."""
    files: tuple[FileRecord, ...] = ()


class AnswerFacts(_Part):
    """The answers that the student learned from."""

    runs: tuple[Place, ...] = ()
    weights: tuple[float, ...] = ()
    mean: Mean = "arithmetic"


class LabelFacts(_Part):
    """The labels that the student learned."""

    rows: int = 0
    """Rows that were learned from."""
    commonest: dict[str, int] = {}
    """The commonest labels, counted as `LabelCounts` does."""

    @classmethod
    def of(cls, labels: LabelCounts) -> Self:
        """What a card keeps of the counts."""
        return cls(rows=labels.total, commonest=dict(labels.counts.most_common(_MOST_LABELS)))

    def counts(self, kind: LabelKind) -> LabelCounts:
        """The counts again, without the rare labels."""
        return LabelCounts(kind, self.rows, Counter(self.commonest))


class ExportFacts(_Part):
    """What an export knows beyond the student that it was made of."""

    target: str
    """hf, ctranslate2 or onnx."""
    family: FamilyName
    """What kind of student it is."""
    source: str
    """SHA-256 of the weights that it was made of."""
    versions: dict[str, str] = {}
    """The libraries that made it."""
    start_id: int
    """What the decoder reads first; -1 for other families, which have none."""
    end_ids: tuple[int, ...]
    """What ends a text; the one that ends targets in training comes first."""
    pad_id: int
    clean_up: bool = False
    """Whether spaces before punctuation are removed from a text."""
    separator: str | None = None
    """What joins two sentences of an input, and an encoder's input and an option. None: T5's."""
    classes: dict[str, int] | None = None
    """The place of each class among an encoder's scores. None: it scores options."""
    positions: int | None = None
    """Tokens that an encoder has positions for. None: any number."""


class StudentCard(_Part):
    """What a checkpoint knows about itself."""

    schema_version: int = SCHEMA_VERSION
    dsbs: str = __version__
    """The version that wrote it."""
    task: Task
    method: Method
    """What the targets look like: "standard" where no rationale was left to learn."""
    prefixes: dict[str, str]
    """The prefix of every task, the label task first."""
    task_prefix: TaskPrefix = "encoder"
    """decoder: the input comes first, and the prefix stands between it and the target."""
    family: FamilyName = "encoder-decoder"
    decode: Decode = "generate"
    score_norm: ScoreNorm = "sum"
    """How scores of labels are made comparable."""
    max_input_tokens: int
    max_target_tokens: int
    max_label_tokens: int
    """Most tokens to generate for a label alone."""
    training: TrainingFacts
    data: DataFacts = Field(default_factory=DataFacts)
    answers: AnswerFacts = Field(default_factory=AnswerFacts)
    labels: LabelFacts = Field(default_factory=LabelFacts)
    runtime: str = "torch"
    """What computes: torch, or the run-time of an export (ctranslate2, onnxruntime)."""
    precision: str = "fp32"
    """Of the weights as they compute."""
    export: ExportFacts | None = None
    """None for a student as training left it."""
    max_rationale_tokens: int | None = None
    """Longer rationales are cut where the student reads them. None: at its input's limit."""

    @computed_field  # type: ignore[prop-decorator]
    @property
    def needs_teacher(self) -> bool:
        """Whether it reads the teacher's rationale of every row in use."""
        return needs_teacher(self.method)

    def encoder_text(self, task: str, text: str) -> str:
        """What is read for an input."""
        without = self.task_prefix == "decoder" or self.family == "encoder"
        return text if without else self.prefixes[task] + text

    def decoder_prompt(self, task: str) -> str:
        """What the decoder reads before its first token."""
        return self.prefixes[task] if self.task_prefix == "decoder" else ""

    def write(self, checkpoint: Path) -> None:
        """Write the card into the folder."""
        write_text(checkpoint / CARD, self.model_dump_json(indent=1))


def checkpoint_of(run: Path) -> Path:
    """The checkpoint of a train run, or the folder itself if it is one. InputError for others."""
    found = next((folder for folder in (run / BEST, run) if (folder / CARD).is_file()), None)
    if found is None:
        expected = f"a run of dsbs train that is done, or a folder with {CARD}"
        raise InputError(run, got="no student", expected=expected, fix="check the path")
    return found


def model_folder(name: str) -> Path | str:
    """The student of a train run, or the name of a model itself."""
    return Path(name) / BEST if (Path(name) / BEST / CARD).is_file() else name


def weight_files(name: str) -> list[Path]:
    """The weights of a model that is a folder or a train run; none for a hub name."""
    return sorted(Path(model_folder(name)).glob("*.safetensors"))


def model_files(checkpoint: Path) -> list[Path]:
    """The weights of a student or of an export."""
    kinds = ("*.safetensors", "*.onnx", "*.onnx.data", "model.bin")
    return sorted(file for kind in kinds for file in checkpoint.glob(kind))


def read_card(checkpoint: Path) -> StudentCard:
    """The card of a checkpoint. InputError where it is missing, broken or newer than this dsbs."""
    path = checkpoint / CARD
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
        version = values.get("schema_version", SCHEMA_VERSION)
    except (OSError, ValueError, AttributeError, RecursionError) as error:
        raise InputError(
            path, got=error, expected="the card of a student", fix="name a run of dsbs train"
        ) from None
    if not isinstance(version, int) or version > SCHEMA_VERSION:
        got = f"schema version {version}"
        fix = "update dsbs to read it"
        raise InputError(path, got=got, expected=f"at most {SCHEMA_VERSION}", fix=fix)
    try:
        return StudentCard.model_validate(values)
    except ValidationError as error:
        first = error.errors()[0]
        got = f"{'.'.join(map(str, first['loc']))}: {first['msg']}"
        raise InputError(
            path, got=got, expected="the card of a student", fix="train it again"
        ) from None
    except RecursionError as error:
        raise InputError(
            path, got=error, expected="the card of a student", fix="train it again"
        ) from None
