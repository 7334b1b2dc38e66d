"""Measure a student on a split: predictions, and what follows from them."""

from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from dsbs.artifacts.predictions import PREDICTIONS, write_predictions
from dsbs.artifacts.results.base import Against
from dsbs.config.base import Decode
from dsbs.core.errors import InputError
from dsbs.core.progress import Progress
from dsbs.core.records import Example, Prediction, Split
from dsbs.distillation.training_set import Material, teacher_verdicts
from dsbs.metrics.accuracy import accuracy, chance, interval, macro_f1, per_label
from dsbs.metrics.calibration import calibration
from dsbs.metrics.distributions import softmax
from dsbs.student.checkpoint import Student
from dsbs.student.predict import predict
from dsbs.tasks.labels import same_label
from dsbs.tasks.task import Task


def measure(
    student: Student,
    material: Material,
    *,
    split: Split,
    out: Path,
    decode: Decode | None = None,
    batch_size: int = 64,
) -> dict[str, Any]:
    """Predict a split, write the predictions to `out` as Parquet, and return their scores.

    `accuracy` against gold labels; where the split has none, `teacher_agreement` against the teacher's. InputError where
    the split is missing, has neither, or the checkpoint is of another task.
    """
    if student.card.task.name != material.task.name:
        got = f"a student of task {student.card.task.name!r}"
        raise InputError(
            "--run",
            got=got,
            expected=f"one of {material.task.name!r}",
            fix="name a run of that task",
        )
    examples, against = _labelled(material, split)
    with Progress("evaluate", len(examples)) as progress:
        predictions = predict(
            student, examples, decode=decode, batch_size=batch_size, on_batch=progress.add
        )
    verdicts = teacher_verdicts(material, split)
    out.mkdir(parents=True, exist_ok=True)
    write_predictions(out / PREDICTIONS, predictions)
    return {
        "split": split,
        "decode": decode or student.card.decode,
        **scores(material.task, predictions, against),
        "chance": chance(
            [e.gold for e in examples], [material.task.allowed(e.choices) for e in examples]
        ),
        "unlabelled": len(material.splits[split]) - len(examples),
        "teacher_accuracy": accuracy(list(verdicts.values())) if verdicts else None,
    }


def scores(
    task: Task, predictions: Sequence[Prediction], against: Against = "gold"
) -> dict[str, Any]:
    """`n`, `correct`, accuracy (or `teacher_agreement`) with its interval over examples, share of unparsable outputs.

    For `class` tasks also macro-F1 and a table per label; the other kinds have no label that many rows share. Where the
    allowed labels were scored, also `calibration`.
    """
    kind = task.label.kind
    verdicts = [same_label(kind, p.label, p.gold) for p in predictions]
    found: dict[str, Any] = {
        "n": len(verdicts),
        "correct": sum(verdicts),
        "against": against,
        "ci95_examples": interval(sum(verdicts), len(verdicts)),
        "unparsable": sum(p.label is None for p in predictions) / len(predictions),
    }
    if kind == "class":
        gold, said = [p.gold or "" for p in predictions], [p.label for p in predictions]
        found |= {
            "macro_f1": macro_f1(gold, said),
            "per_label": [asdict(row) for row in per_label(gold, said)],
        }
    scored = [(softmax(p.scores), p.gold) for p in predictions if p.scores and p.gold is not None]
    return found | (
        {"calibration": asdict(calibrated)} if (calibrated := calibration(kind, scored)) else {}
    )


def _labelled(material: Material, split: Split) -> tuple[list[Example], Against]:
    """The examples to measure on and the name of what is measured."""
    if not material.splits.get(split):
        known = ", ".join(name for name, rows in material.splits.items() if rows)
        raise InputError(
            "--split", got=repr(split), expected=f"one of {known}", fix="the data has no other"
        )
    rows = material.splits[split]
    if gold := [e for e in rows if e.gold is not None]:
        return gold, "gold"
    answers = material.answers
    agreed = [
        replace(e, gold=answers[e.id].label)
        for e in rows
        if e.id in answers and answers[e.id].label_usable
    ]
    if not agreed:
        fix = f"label it: dsbs generate --splits {split}"
        raise InputError(
            f"--split {split}",
            got="no gold label and no answer",
            expected="labels to measure against",
            fix=fix,
        )
    return agreed, "teacher"
