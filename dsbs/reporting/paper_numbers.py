"""One's own numbers beside those of the paper and of independent reproductions, each with its source."""

from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import yaml

from dsbs.core.tables import Share
from dsbs.plots.figure import slug
from dsbs.plots.table import Table, share
from dsbs.reporting.load_runs import Comparison


class Published(NamedTuple):
    """One published accuracy, in per cent; `runs` is None where nobody says how many seeds it is the mean of."""

    task: str
    student: str
    method: str
    labels: str
    data_frac: float
    accuracy: float
    runs: int | None
    source: str
    note: str


@cache
def published() -> tuple[list[Published], Mapping[str, Any]]:
    """Every known number of a student, and the file with sources and teachers."""
    file = yaml.safe_load(Path(__file__).with_name("published.yaml").read_text(encoding="utf-8"))
    return [Published(*row) for row in file["students"]], file


def beside_the_paper(comparison: Comparison) -> Table | None:
    """A row for every published number of the task; None for a task nobody published.

    One's own number stands in a row of the same method, labels, fraction and student; where only another student was
    trained so, it stands there under its name.
    """
    students, file = published()
    columns = [
        "student",
        "method",
        "labels",
        "fraction",
        "published",
        "runs",
        "own student",
        "own accuracy",
        "own ci95_seeds",
    ]
    columns += ["rationales or labels of", "source"]
    rows = []
    for entry in (entry for entry in students if entry.task == comparison.task):
        what = [
            entry.student,
            entry.method,
            entry.labels,
            entry.data_frac,
            Share(entry.accuracy / 100),
            entry.runs,
        ]
        told = [entry.note, file["sources"][entry.source]]
        rows += [
            [*what, *own, *told]
            for own in _own(entry, comparison.results["groups"]) or [[None, None, None]]
        ]
    for teacher in (teacher for teacher in file["teachers"] if teacher["task"] == comparison.task):
        own_teacher = share(comparison.results["teacher_accuracy"])
        what = ["PaLM 540B, the teacher", None, None, None, Share(teacher["accuracy"] / 100), None]
        rows.append(
            [*what, "the teacher", own_teacher, None, "", file["sources"][teacher["source"]]]
        )
    title, note = (
        "Beside the paper and independent reproductions",
        "A dash: nothing of that kind was trained here.",
    )
    return Table(slug("published", comparison.name), title, columns, rows, note) if rows else None


def _own(entry: Published, groups: Sequence[Mapping[str, Any]]) -> list[list[Any]]:
    """Own groups that are the published one's like; those with the same student alone, where there are any."""
    key = (entry.method, entry.labels, entry.data_frac)
    alike = [
        g
        for g in groups
        if (g["method"], g["labels"], g["data_frac"]) == key and g["mean"] is not None
    ]
    same = [g for g in alike if _name(g["student"]) == _name(entry.student)]
    return [[g["student"], share(g["mean"]), g["ci95_seeds"]] for g in same or alike]


def _name(student: str) -> str:
    return student.rstrip("/").rsplit("/", 1)[-1].lower()
