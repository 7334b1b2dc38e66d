"""The linear model again, without the fields that a right answer should need.

What it still gets right can be guessed from how the rows were made (Gururangan et al. 2018,
Annotation Artifacts in Natural Language Inference Data; Poliak et al. 2018).
"""

from collections.abc import Sequence
from dataclasses import replace

from dsbs.baselines.labels import LabeledRow, Labeler
from dsbs.baselines.tfidf import tfidf
from dsbs.core.errors import InputError, nearest
from dsbs.core.records import Example
from dsbs.tasks.prompts import render_input
from dsbs.tasks.task import Task


def without_fields(task: Task, train: Sequence[LabeledRow], fields: Sequence[str]) -> Labeler:
    """What TF-IDF makes of inputs in which these fields are empty."""
    rows = [row._replace(example=_ablated(task, row.example, fields)) for row in train]
    labeler = tfidf(task, rows)
    return lambda examples: labeler([_ablated(task, example, fields) for example in examples])


def check_fields(task: Task, fields: Sequence[str]) -> None:
    """InputError for a field that the task does not have, and where none is named."""
    known = task.columns.fields
    if not fields:
        raise InputError(
            "--baselines input-ablated",
            got="no --ablate-field",
            expected=f"a field of the task: {', '.join(known)}",
            fix="name the part of the input to hide, e.g. --ablate-field premise",
        )
    for name in fields:
        if name not in known:
            expected = f"a field of the task: {', '.join(known)}"
            fix = nearest(name, known)
            raise InputError("--ablate-field", got=repr(name), expected=expected, fix=fix)


def _ablated(task: Task, example: Example, fields: Sequence[str]) -> Example:
    kept = {**example.fields, **dict.fromkeys(fields, "")}
    return replace(example, fields=kept, input=render_input(task, kept, example.choices))
