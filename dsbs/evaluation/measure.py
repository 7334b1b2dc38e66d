"""Measure a student on a split: its predictions, and what follows from them."""

import tempfile
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

from dsbs.artifacts.predictions import PREDICTIONS, write_predictions
from dsbs.artifacts.results.base import Against, Score
from dsbs.artifacts.results.evaluate import StudentScores
from dsbs.config.base import Decode
from dsbs.core.errors import InputError
from dsbs.core.progress import Progress
from dsbs.core.records import Example, Prediction, Split
from dsbs.distillation.labeled_data import LabeledData
from dsbs.metrics.accuracy import LabelScores, per_label
from dsbs.metrics.adapter import LabelAccuracy, LabelMacroF1
from dsbs.metrics.calibration import calibration
from dsbs.metrics.collapse import Notice
from dsbs.metrics.distributions import softmax
from dsbs.metrics.intervals import GroupedVerdicts, UnitsInterval
from dsbs.metrics.label_counts import LabelCounts
from dsbs.metrics.prediction_counts import PredictionCounts
from dsbs.student.predict import predict
from dsbs.student.predictor import Predictor
from dsbs.tasks.fingerprint import input_hash
from dsbs.tasks.task import Task


class MeasuredRows(NamedTuple):
    """The rows of a split that have a label to compare with."""

    examples: list[Example]
    """`gold` is the label to compare with."""
    against: Against
    """Whose labels they are."""


def measured_rows(data: LabeledData, split: Split) -> MeasuredRows:
    """The rows with a gold label. Where there are none: those with a usable answer of the teacher.

    Raises:
        InputError: The split is missing, or has neither.
    """
    rows = data.splits.get(split)
    if not rows:
        known = ", ".join(name for name, others in data.splits.items() if others)
        fix = "the data has no other"
        raise InputError("--split", got=repr(split), expected=f"one of {known}", fix=fix)
    gold = [example for example in rows if example.gold is not None]
    if gold:
        return MeasuredRows(gold, "gold")
    labeled = []
    for example in rows:
        answer = data.answers.get(example.id)
        if answer is not None and answer.label_usable:
            labeled.append(replace(example, gold=answer.label))
    if not labeled:
        raise InputError(
            f"--split {split}",
            got="no gold label and no answer",
            expected="labels to measure against",
            fix=f"label it: dsbs generate --splits {split}, then name that run with --answers",
        )
    return MeasuredRows(labeled, "teacher")


class Measured(NamedTuple):
    """The scores of a student, and the predictions behind them."""

    scores: StudentScores
    predictions: list[Prediction]


def measure(
    student: Predictor,
    rows: MeasuredRows,
    *,
    decode: Decode,
    batch_size: int,
    out: Path,
    confidence: bool = False,
    explain: bool = False,
) -> Measured:
    """Predict the rows, write the predictions to `out` as Parquet, and score them.

    Args:
        student: The student.
        rows: What it is measured on.
        decode: How labels are read.
        batch_size: Rows per forward pass.
        out: Folder for the predictions.
        confidence: Whether predictions also have the scores that a contract reads.
        explain: Whether they also have rationales.
    """
    with Progress("evaluate", len(rows.examples)) as progress:
        predictions = predict(
            student,
            rows.examples,
            decode=decode,
            confidence=confidence,
            explain=explain,
            batch_size=batch_size,
            on_batch=progress.add,
        )
    task = student.card.task
    known = [
        replace(prediction, input_hash=input_hash(task, example))
        for prediction, example in zip(predictions, rows.examples, strict=True)
    ]
    out.mkdir(parents=True, exist_ok=True)
    write_predictions(out / PREDICTIONS, known)
    found = scores(task, predictions, rows.against)
    notices = label_signs(task, rows, predictions)
    return Measured(found.model_copy(update={"notices": notices}), predictions)


def label_signs(task: Task, rows: MeasuredRows, predictions: Sequence[Prediction]) -> list[Notice]:
    """Signs of collapse in the labels of a student."""
    given = PredictionCounts(LabelCounts(task.label.kind))
    wanted = LabelCounts(task.label.kind)
    for example, prediction in zip(rows.examples, predictions, strict=True):
        allowed = task.allowed(example.choices)
        given.add(prediction, allowed)
        wanted.add(example.gold, allowed)
    who = f"the student, {rows.examples[0].split}"
    whose = "gold" if rows.against == "gold" else "teacher's"
    return given.notices(who, wanted, whose=whose)


def scores(
    task: Task, predictions: Sequence[Prediction], against: Against = "gold"
) -> StudentScores:
    """The scores of predictions that all have a `gold` label.

    Tasks of kind `class` also have scores per label; in other kinds no label has many rows. Where
    allowed labels were scored, their probabilities have a calibration.
    """
    kind = task.label.kind
    # Already read among the choices of their row, so these two are all that matter here.
    labels = [[label for label in (p.gold, p.label) if label is not None] for p in predictions]
    columns = {
        "predictions": [p.label or "" for p in predictions],
        "references": [p.gold or "" for p in predictions],
        **({"choices": labels} if kind == "choice" else {}),
    }
    macro_f1 = None
    label_scores: list[LabelScores] = []
    # `evaluate` wants a folder, which is not the user's cache, even where it keeps all in memory.
    with tempfile.TemporaryDirectory() as scratch:
        options = {"keep_in_memory": True, "cache_dir": scratch}
        counts = LabelAccuracy(kind, task.label.labels, **options).compute(**columns)
        if kind == "class":
            f1 = LabelMacroF1(kind, task.label.labels, **options).compute(**columns)
            macro_f1 = f1["macro_f1"]
            gold = [p.gold or "" for p in predictions]
            label_scores = per_label(gold, [p.label for p in predictions])
    over = over_examples((bool(p.correct), p.group) for p in predictions)
    scored = [(softmax(p.scores), p.gold) for p in predictions if p.scores and p.gold is not None]
    return StudentScores(
        against=against,
        n=counts["n"],
        correct=counts["correct"],
        ci95_examples=over.interval,
        ci95_withheld=over.withheld,
        unparsable=counts["unparsable"],
        macro_f1=macro_f1,
        per_label=label_scores,
        calibration=calibration(kind, scored),
    )


def teacher_score(data: LabeledData, split: Split) -> Score | None:
    """How many of its labels are right, on the gold rows that it answered; None without any."""
    verdicts = data.teacher_verdicts(split)
    if not verdicts:
        return None
    rows = [example for example in data.splits[split] if example.id in verdicts]
    over = over_examples((verdicts[row.id], row.group) for row in rows)
    return Score(
        n=len(rows),
        correct=sum(verdicts.values()),
        ci95_examples=over.interval,
        ci95_withheld=over.withheld,
    )


def over_examples(rows: Iterable[tuple[bool, str | None]]) -> UnitsInterval:
    """The interval of the share of right rows, each with its group."""
    verdicts = GroupedVerdicts()
    for verdict, group in rows:
        verdicts.add(verdict, group)
    return verdicts.over_examples()
