"""The work of `export`: convert, compare, measure; a folder that fails is no export."""

import hashlib
import shutil
from importlib.metadata import version
from itertools import chain, islice
from pathlib import Path

from dsbs.artifacts.results.export import ExportResult, Latency
from dsbs.artifacts.student_card import CARD, DataFacts, StudentCard
from dsbs.config.export import ExportConfig
from dsbs.core.checksums import write_checksums
from dsbs.core.errors import InputError
from dsbs.core.files import open_to_umask
from dsbs.core.hashing import hash_file
from dsbs.core.progress import say
from dsbs.core.records import Example, Split
from dsbs.data.load import load_data
from dsbs.evaluation.load import recorded_data
from dsbs.exporting.latency import measure
from dsbs.exporting.parity import compare
from dsbs.exporting.targets import Route, converter, facts_of
from dsbs.runtimes.exported import ExportedStudent
from dsbs.runtimes.exported_encoder import ExportedEncoder
from dsbs.runtimes.open import open_predictor
from dsbs.student.predictor import Predictor

_SPLITS: tuple[Split, ...] = ("test", "validation", "train")
_PARTIAL = ".partial"
_PRECISION = {"none": "fp32", "int8": "int8"}


def rows_of(card: StudentCard, checkpoint: Path, config: ExportConfig) -> list[Example]:
    """The rows to compare on. InputError where the student's data are gone or have none."""
    place = config.data or recorded_data(card, checkpoint)
    data = load_data(
        card.task,
        place,
        split_seed=card.data.split_seed,
        skip_incomplete=card.data.skip_incomplete,
    ).with_validation()
    rows = chain.from_iterable(data.splits[name] for name in _SPLITS if name in data.splits)
    found = list(islice(rows, config.rows))
    if not found:
        raise InputError("--data", got="no rows", expected="rows to compare on", fix="name others")
    return found


def export(
    checkpoint: Path,
    card: StudentCard,
    config: ExportConfig,
    route: Route,
    rows: list[Example],
    out: Path,
) -> ExportResult:
    """Write the export into a folder that holds nothing else but its manifest.

    Where more labels differ than may, the folder keeps its manifest alone.
    """
    made_in = out / _PARTIAL
    shutil.rmtree(made_in, ignore_errors=True)
    made_in.mkdir()
    say(f"converting {checkpoint} for {config.to}")
    converter(route)(checkpoint, card, made_in, config.quantize)
    card_of(checkpoint, card, config, route).write(made_in)
    open_to_umask(made_in, made_in / CARD)
    write_checksums(made_in)
    made = open_predictor(made_in)
    parity = compare(open_predictor(checkpoint), made, rows, max_flips=config.max_flips)
    latency: list[Latency] = []
    if parity.passed and config.latency_repeats:
        say("measuring how long it takes")
        latency = measure(
            lambda threads: open_predictor(made_in, threads=threads), rows, config.latency_repeats
        )
    size = sum(file.stat().st_size for file in made_in.iterdir())
    if parity.passed:
        _move(made_in, out)
    shutil.rmtree(made_in, ignore_errors=True)
    return ExportResult(
        run=str(config.run),
        out=str(out),
        to=config.to,
        family=card.family,
        quantize=config.quantize,
        runtime=_runtime_of(made),
        bytes=size,
        parity=parity,
        latency=latency,
        status="done" if parity.passed else "incomplete",
    )


def card_of(checkpoint: Path, card: StudentCard, config: ExportConfig, route: Route) -> StudentCard:
    """The card of the export: that of the student, and what its run-time needs to know."""
    names = ("torch", "transformers", *route.packages)
    facts = facts_of(
        checkpoint,
        config.to,
        card.family,
        source=_hash_weights(checkpoint),
        versions={name: version(name) for name in names},
    )
    changes = {
        "runtime": route.runtime,
        "precision": _PRECISION[config.quantize],
        "export": facts,
        "data": _moved(card, checkpoint),
    }
    return card.model_copy(update=changes)


def _moved(card: StudentCard, checkpoint: Path) -> DataFacts:
    """The data as seen from nowhere: the export may lie anywhere."""
    place = card.data.place
    found = place.find(checkpoint) if place else None
    if place is None or found is None:
        return card.data
    absolute = place.model_copy(update={"path": str(found.resolve())})
    return card.data.model_copy(update={"place": absolute})


def _hash_weights(checkpoint: Path) -> str:
    digest = hashlib.sha256()
    for path in sorted(checkpoint.glob("*.safetensors")):
        digest.update(hash_file(path).encode())
    return digest.hexdigest()


def _runtime_of(made: Predictor) -> str:
    if isinstance(made, ExportedStudent | ExportedEncoder):
        return made.engine.runtime
    return f"PyTorch {version('torch')}, transformers {version('transformers')}"


def _move(made_in: Path, out: Path) -> None:
    """Move the files of a whole export to their place; the card comes last."""
    files = sorted(made_in.iterdir(), key=lambda file: file.name == CARD)
    for file in files:
        file.replace(out / file.name)
