"""Published accuracies of the same experiments: the paper's and those of reproductions."""

from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import yaml
from pydantic import TypeAdapter

from dsbs.artifacts.results.cells import Group
from dsbs.comparison.names import levels_of
from dsbs.config.presets import base_name
from dsbs.core.tables import Share
from dsbs.plots.figure import slug
from dsbs.plots.table import Table, share
from dsbs.reporting.collected import Comparison

PUBLISHED = "own, by the published rule"
"""The column of own numbers that are counted as the published ones are."""


class PublishedStudent(NamedTuple):
    """One published accuracy of a student."""

    task: str
    student: str
    method: str
    labels: str
    data_frac: float
    accuracy: float
    """In percent."""
    runs: int | None
    """Seeds that it is the mean of; None if that is not published."""
    source: str
    """A key of `Published.sources`."""
    note: str
    """Whose rationales or labels were learned."""


class PublishedTeacher(NamedTuple):
    """The published accuracy of the teacher."""

    task: str
    accuracy: float
    """In percent."""
    source: str


class Published(NamedTuple):
    """All published numbers that are known."""

    sources: Mapping[str, str]
    """Full names of the sources."""
    teachers: Sequence[PublishedTeacher]
    students: Sequence[PublishedStudent]


@cache
def published() -> Published:
    """The numbers of published.yaml."""
    text = Path(__file__).with_name("published.yaml").read_text(encoding="utf-8")
    return TypeAdapter(Published).validate_python(yaml.safe_load(text))


def beside_the_paper(comparison: Comparison) -> Table | None:
    """A row per published number of the task; None for a task without any.

    A row also holds the comparison's own number of the same method, labels, fraction and student.
    If only another student was trained that way, the row holds its number and its name.
    """
    known = published()
    rows = [
        _row(entry, own, known.sources[entry.source])
        for entry in known.students
        if entry.task == comparison.task
        for own in _own(entry, comparison.results.groups) or (None,)
    ]
    for teacher in known.teachers:
        if teacher.task == comparison.task:
            rows.append(
                dict.fromkeys(rows[0])
                | {
                    "student": "PaLM 540B, the teacher",
                    "published": Share(teacher.accuracy / 100),
                    "own student": "the teacher",
                    "own accuracy": share(comparison.results.teacher_accuracy),
                    PUBLISHED: share(_teacher_as_published(comparison)),
                    "source": known.sources[teacher.source],
                }
            )
    if not rows:
        return None
    return Table(
        slug("published", comparison.name),
        "Beside the paper and independent reproductions",
        list(rows[0]),
        [list(row.values()) for row in rows],
        "A dash: no student was trained that way here. By the published rule: as the published "
        "code counts a student's text, without reading it.",
    )


def _teacher_as_published(comparison: Comparison) -> float | None:
    """The first teacher's accuracy by the published rule."""
    return next((one.published_accuracy for one in comparison.results.teachers), None)


def _row(entry: PublishedStudent, own: Group | None, source: str) -> dict[str, Any]:
    """A published number and the comparison's own, by column."""
    return {
        "student": entry.student,
        "method": entry.method,
        "labels": entry.labels,
        "fraction": entry.data_frac,
        "published": Share(entry.accuracy / 100),
        "runs": entry.runs,
        "own student": ", ".join([own.student, *levels_of(own)]) if own else None,
        "own accuracy": share(own.mean) if own else None,
        PUBLISHED: share(own.mean_published) if own else None,
        "own ci95_seeds": own.ci95_seeds if own else None,
        "rationales or labels of": entry.note,
        "source": source,
    }


def _own(entry: PublishedStudent, groups: Sequence[Group]) -> list[Group]:
    """Groups of the same method, labels and fraction; of the same student if there are any."""
    alike = [
        group
        for group in groups
        if (group.method, group.labels, group.data_frac)
        == (entry.method, entry.labels, entry.data_frac)
        and group.mean is not None
    ]
    same = [g for g in alike if base_name(g.student).lower() == base_name(entry.student).lower()]
    return same or alike
