"""Encoders: a head over the classes of a task, or one score per option of a row."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from transformers import (
    AutoModelForSequenceClassification,
    PreTrainedConfig,
    PreTrainedModel,
    PreTrainedTokenizerBase,
)

from dsbs.config.base import Decode
from dsbs.config.recipe_options import TaskPrefix
from dsbs.core.errors import InputError
from dsbs.core.records import FamilyName, Method, TrainPair
from dsbs.scaling.single_stack import SingleStack
from dsbs.student.codec import Codec
from dsbs.student.encoder.codec import EncoderCodec, positions_of
from dsbs.student.encoder.rows import encode_choices, option_rows
from dsbs.student.encoding import Encoded, EncodedTarget
from dsbs.student.family import PassLogits
from dsbs.student.padding import MicroBatch, per_sequence
from dsbs.student.reading import Reading
from dsbs.tasks.task import Task

_WAY_OUT = "use a student that writes text: a T5, or a decoder such as Gemma 3"


class EncoderFamily:
    """See `family.Family`. It is trained on labels alone, and read by its scores."""

    name: FamilyName = "encoder"
    writes_text = False
    auto_class: Any = AutoModelForSequenceClassification
    adapter_task = "SEQ_CLS"

    def check(self, task: Task, method: Method) -> None:
        """InputError for labels that cannot be listed, and for methods with rationales."""
        if task.label.kind not in ("class", "choice"):
            raise InputError(
                "--student",
                got=f"an encoder, which scores labels that are given, for a task of kind "
                f"{task.label.kind!r}",
                expected="a task of kind class or choice",
                fix=_WAY_OUT,
            )
        if method != "standard":
            raise InputError(
                f"--method {method}",
                got="an encoder, which writes no rationale",
                expected="--method standard",
                fix=_WAY_OUT,
            )

    def task_prefix(self, wanted: TaskPrefix, architecture: PreTrainedConfig) -> TaskPrefix:
        """As wanted: its one task has no prefix."""
        return wanted

    def decode(self, wanted: Decode) -> Decode:
        """By scores, whatever is wanted."""
        return "score"

    def configure(self, architecture: PreTrainedConfig, task: Task) -> None:
        """One output per class, with its name; one output for options."""
        labels = task.label.labels if task.label.kind == "class" else ("score",)
        architecture.id2label = dict(enumerate(labels))
        architecture.label2id = {label: number for number, label in enumerate(labels)}

    def codec(
        self, tokenizer: PreTrainedTokenizerBase, architecture: PreTrainedConfig
    ) -> EncoderCodec:
        """Inputs alone."""
        return EncoderCodec(
            tokenizer, positions_of(architecture), per_option=architecture.num_labels == 1
        )

    def encode(
        self,
        pairs: Sequence[TrainPair],
        codec: Codec,
        *,
        max_input_tokens: int,
        options: Mapping[str, Sequence[str]],
        **unused: Any,
    ) -> Encoded:
        """Every row with its options, or its class."""
        assert isinstance(codec, EncoderCodec)
        return encode_choices(pairs, codec, options=options, max_input_tokens=max_input_tokens)

    def ready(self, model: PreTrainedModel) -> PreTrainedModel:
        """The model itself."""
        return model

    def set_generation(self, model: Any, tokenizer: PreTrainedTokenizerBase) -> None:
        """Do nothing: it generates no text."""

    def packs(self, model: Any, *, recomputes: bool) -> bool:
        """No."""
        return False

    def micro_batch(
        self, rows: Sequence[Sequence[EncodedTarget]], tasks: Sequence[str], pad: int
    ) -> MicroBatch:
        """An input, or all inputs with an option, per row."""
        return option_rows([sequence for row in rows for sequence in row], pad)

    def pass_logits(self, model: Any, student: Any, batches: Sequence[MicroBatch]) -> PassLogits:
        """One forward pass over one micro-batch; see `family.Family`."""
        (batch,) = batches
        logits = model(input_ids=batch.input_ids, attention_mask=batch.attention_mask).logits
        if student.config.num_labels == 1:
            logits = per_sequence(logits[:, 0], batch.candidate_owner, len(batch.labels))
        return PassLogits(logits, logits)

    def read(self, model: Any, ids: torch.Tensor, mask: torch.Tensor) -> Reading:
        """Impossible: it writes no text."""
        raise AssertionError("an encoder writes no text")

    def training_flops(
        self, rows: Sequence[Sequence[EncodedTarget]], architecture: PreTrainedConfig
    ) -> NDArray[np.float64]:
        """(R,): operations of training on each row; 0 for a shape that dsbs does not know."""
        shape = SingleStack.from_config(architecture.to_dict())
        if shape is None:
            return np.zeros(len(rows))
        none = np.zeros(1)

        def row_flops(row: Sequence[EncodedTarget]) -> float:
            (sequence,) = row
            texts = sequence.options or (sequence.input_ids,)
            lengths = np.array([len(ids) for ids in texts], dtype=float)
            return float(shape.training_flops(lengths, predicted_tokens=none).sum())

        return np.array([row_flops(row) for row in rows])


ENCODER = EncoderFamily()
