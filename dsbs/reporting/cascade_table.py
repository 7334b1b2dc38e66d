"""Student alone, cascade and teacher: the students of a comparison that have a contract."""

from dsbs.artifacts.manifest import Manifest, manifests_below
from dsbs.artifacts.results.base import Score
from dsbs.artifacts.results.contract import CascadeRow
from dsbs.artifacts.results.evaluate import EvaluateResult
from dsbs.plots.figure import slug
from dsbs.plots.table import Table, share
from dsbs.reporting.collected import Comparison, Student

_COLUMNS = (
    "student",
    "answered by",
    "accuracy",
    "accuracy ci95",
    "agreement",
    "agreement ci95",
    "local",
    "local ci95",
    "cost per 1,000 calls",
)


def cascade_table(comparison: Comparison) -> Table:
    """The newest `evaluate --contract` on test of every student that has one."""
    rows = [
        [student.name, *_cells(row)]
        for student in comparison.students
        for row in _cascade_of(student)
    ]
    return Table(
        name=f"{slug(comparison.name)}-cascade",
        title=f"{comparison.name}: student, cascade and teacher on test",
        columns=_COLUMNS,
        rows=rows,
        note="cascade: the student answers the calls that its contract leaves to it, the teacher "
        "the rest. A row that needs the teacher and has no label of it counts as wrong.",
    )


def _cascade_of(student: Student) -> list[CascadeRow]:
    if student.predictions is None:
        return []
    measured = [
        manifest
        for _, manifest in manifests_below(student.predictions.parent.parent)
        if isinstance(manifest, Manifest)
        and isinstance(manifest.results, EvaluateResult)
        and manifest.results.cascade
        and manifest.results.split == "test"
    ]
    newest = max(measured, key=lambda manifest: manifest.sequence, default=None)
    return newest.results.cascade if newest is not None and newest.results else []


def _cells(row: CascadeRow) -> list[object]:
    return [
        row.who,
        *_score(row.accuracy),
        *_score(row.agreement),
        share(row.share_local),
        row.share_local_ci95,
        row.cost_per_1000,
    ]


def _score(score: Score | None) -> list[object]:
    return [share(score.share), score.ci95_examples] if score else [None, None]
