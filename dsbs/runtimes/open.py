"""Opens whatever predicts: a train run, its checkpoint, or an export."""

import os
from collections.abc import Callable, Mapping
from importlib import import_module
from pathlib import Path

from dsbs.artifacts.student_card import (
    ExportFacts,
    StudentCard,
    checkpoint_of,
    read_card,
)
from dsbs.core.checksums import damage
from dsbs.core.errors import InputError
from dsbs.core.records import FamilyName
from dsbs.core.require import check_installed
from dsbs.environment.devices import cores
from dsbs.runtimes.engine import Engine
from dsbs.runtimes.exported import ExportedStudent
from dsbs.runtimes.exported_encoder import ExportedEncoder
from dsbs.runtimes.student_texts import texts_of
from dsbs.runtimes.text_tokens import load_tokens
from dsbs.student.predictor import Predictor

_OpenEngine = Callable[[Path, ExportFacts, str, int], Engine]
ENGINES: Mapping[tuple[str, FamilyName], tuple[str, str]] = {
    ("ctranslate2", "encoder-decoder"): ("ctranslate2_engine", "CTranslate2Engine"),
    ("ctranslate2", "decoder-only"): ("ctranslate2_decoder", "CTranslate2Decoder"),
    ("onnxruntime", "encoder-decoder"): ("onnx_engine", "OnnxEngine"),
}
"""Module and class of what writes text, by the run-time that a card names and the family."""
RUNTIMES = ("ctranslate2", "onnxruntime")
"""Those of exports. All other students are read by PyTorch."""


def open_predictor(run: Path, *, threads: int = 0, needed_by: str = "dsbs predict") -> Predictor:
    """A student that is ready to predict.

    Args:
        run: A train run, its best/, a copy of that, or an export.
        threads: Threads that one batch uses. 0: as many as OMP_NUM_THREADS, or else all cores.
        needed_by: The command, for an error about packages that are not installed.

    Raises:
        InputError: There is no student, its files have changed, or its run-time cannot read them.
        MissingPackage: Its run-time is not installed.
    """
    checkpoint = checkpoint_of(run)
    card = read_card(checkpoint)
    check_runtime(card, needed_by=needed_by)
    if card.runtime in RUNTIMES:
        return _open_export(checkpoint, card, threads)
    # Not above: it loads torch.
    from dsbs.student.checkpoint import load_student, use_threads

    if threads:
        use_threads(threads)
    return load_student(checkpoint)


def check_runtime(card: StudentCard, *, needed_by: str) -> None:
    """Raise MissingPackage where what a student runs on is not installed."""
    if card.runtime in RUNTIMES:
        extra = "onnx" if card.runtime == "onnxruntime" else "serve"
        check_installed(card.runtime, "tokenizers", extra=extra, needed_by=needed_by)
    else:
        check_installed("torch", "transformers", extra="train", needed_by=needed_by)


def _open_export(folder: Path, card: StudentCard, threads: int) -> Predictor:
    facts = card.export
    if facts is None:
        expected = "the card of an export"
        raise InputError(
            folder, got="a card without export", expected=expected, fix="export the student again"
        )
    if found := damage(folder):
        fix = "copy the folder again, or export the student again"
        raise InputError(
            folder, got=f"a damaged export: {found}", expected="the files as saved", fix=fix
        )
    tokens = load_tokens(folder, clean_up=facts.clean_up)
    if facts.family == "encoder":
        # Not above: it loads the run-time.
        from dsbs.runtimes.onnx_classifier import OnnxClassifier

        classifier = OnnxClassifier(folder, facts, card.precision, threads or _threads())
        return ExportedEncoder(classifier, tokens, card, facts)
    module, name = ENGINES[card.runtime, facts.family]
    opened: _OpenEngine = getattr(import_module(f"dsbs.runtimes.{module}"), name)
    engine = opened(folder, facts, card.precision, threads or _threads())
    return ExportedStudent(engine, texts_of(tokens, facts), card)


def _threads() -> int:
    given = os.environ.get("OMP_NUM_THREADS", "")
    return int(given) if given.isdigit() and int(given) else cores()
