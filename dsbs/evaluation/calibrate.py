"""Make the contract of one student: predict calibration rows, and find what may be promised."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np

from dsbs.artifacts.predictions import PREDICTIONS, write_predictions
from dsbs.artifacts.results.contract import Money, RationaleSignal, ScoreKind
from dsbs.config.contract import With
from dsbs.contracts.bound import Verdicts
from dsbs.contracts.calibration import CalibrationRows
from dsbs.contracts.contract import Contract
from dsbs.contracts.identity import identity_of
from dsbs.contracts.scores import base_score, logit, stance
from dsbs.contracts.signal import Floats, auroc, enough, weigh_rationale
from dsbs.contracts.terms import Promise, ScoredRows, find_terms, money_of
from dsbs.core.progress import Progress, say
from dsbs.core.records import Example, Prediction
from dsbs.core.version import __version__
from dsbs.runtimes.open import open_predictor
from dsbs.student.predict import predict
from dsbs.student.predictor import Predictor
from dsbs.tasks.fingerprint import input_hash
from dsbs.tasks.task import Task

_MOST_VALIDATION = 1000
"""Validation rows that choose the score."""


@dataclass(frozen=True)
class Wanted:
    """What is to be promised, as resolved values."""

    agree: float
    confidence: float
    against: With
    by_class: bool
    teacher_cost: float | None
    """Of 1,000 calls."""
    student_cost: float


@dataclass(frozen=True)
class ChosenScore:
    """Which score is used, and what a rationale adds to it."""

    kind: ScoreKind = "likelihood"
    weight: float = 0.0
    signal: RationaleSignal | None = None


def make_contract(
    checkpoint: Path,
    rows: CalibrationRows,
    validation: Sequence[Example],
    wanted: Wanted,
    *,
    out: Path,
    batch_size: int,
) -> Contract:
    """Find what may be promised of a student on these rows.

    Args:
        checkpoint: The student's folder.
        rows: What the promise rests on. `gold` is the label to agree with.
        validation: Rows that choose the score, in the same form.
        wanted: The promise.
        out: Folder for the predictions of the calibration rows.
        batch_size: Rows per forward pass.
    """
    identity = identity_of(checkpoint)
    student = open_predictor(checkpoint, needed_by="dsbs contract")
    task = student.card.task
    chosen = _choose_score(student, validation, batch_size)
    predictions = _predict(student, rows.examples, batch_size, explain=chosen.weight != 0)
    known = [
        replace(prediction, input_hash=input_hash(task, example))
        for prediction, example in zip(predictions, rows.examples, strict=True)
    ]
    write_predictions(out / PREDICTIONS, known)
    blank = Contract(
        task=task.name,
        dsbs=__version__,
        against=wanted.against,
        agree=wanted.agree,
        confidence=wanted.confidence,
        holds=False,
        by_class=wanted.by_class,
        score=chosen.kind,
        rationale_weight=chosen.weight,
        n=len(predictions),
        rows=rows.origin,
        rationale=chosen.signal,
        identity=identity,
    )
    pairs = zip(predictions, rows.examples, strict=True)
    scores = [blank.score_of(prediction, task, example.choices) for prediction, example in pairs]
    scored = ScoredRows(
        scores=np.array(scores),
        labels=[prediction.label for prediction in predictions],
        different=_different(predictions),
    )
    promise = Promise(blank.budget, round(1 - wanted.confidence, 12))
    found = find_terms(scored, promise, classes=task.label.labels, by_class=wanted.by_class)
    terms = {name: getattr(found, name) for name in asdict(found)}
    return blank.model_copy(update={**terms, "money": _money(wanted, found.share_local)})


def _choose_score(student: Predictor, rows: Sequence[Example], batch_size: int) -> ChosenScore:
    """The score that best tells equal labels from different ones on validation."""
    card = student.card
    labeled = [row for row in rows if row.gold is not None][:_MOST_VALIDATION]
    explains = card.method != "standard"
    predictions = _predict(student, labeled, batch_size, explain=explains) if labeled else []
    same = ~_different(predictions)
    if not enough(same):
        say("validation has too few rows to choose a score on: it is the label's likelihood")
        return ChosenScore()
    closed = card.task.label.kind in ("class", "choice")
    kinds: tuple[ScoreKind, ...] = ("likelihood", "margin") if closed else ("likelihood",)
    tried = {
        kind: np.array([base_score(kind, one, closed=closed) for one in predictions])
        for kind in kinds
    }
    best = max(kinds, key=lambda kind: auroc(tried[kind], same))
    if not explains:
        return ChosenScore(best)
    log_odds = np.array([logit(score) for score in tried[best]])
    found = weigh_rationale(log_odds, _stances(card.task, labeled, predictions), same)
    return ChosenScore(best, found.weight, found.signal)


def _stances(task: Task, rows: Sequence[Example], predictions: Sequence[Prediction]) -> Floats:
    kind = task.label.kind
    pairs = zip(rows, predictions, strict=True)
    return np.array([stance(kind, one, task.allowed(row.choices)) for row, one in pairs])


def _predict(
    student: Predictor, rows: Sequence[Example], batch_size: int, *, explain: bool
) -> list[Prediction]:
    with Progress("contract", len(rows)) as progress:
        return predict(
            student,
            rows,
            explain=explain,
            confidence=True,
            batch_size=batch_size,
            on_batch=progress.add,
        )


def _different(predictions: Sequence[Prediction]) -> Verdicts:
    """(rows,), whether each label is another than the one to agree with, or nothing is known."""
    return np.array([not one.correct for one in predictions], bool)


def _money(wanted: Wanted, share_local: float) -> Money | None:
    if wanted.teacher_cost is None:
        return None
    return money_of(wanted.teacher_cost, wanted.student_cost, share_local)
