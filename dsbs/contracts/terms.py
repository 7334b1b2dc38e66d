"""From scored calibration rows to everything that a contract states."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from dsbs.artifacts.results.base import Interval
from dsbs.artifacts.results.contract import ClassTerms, CurvePoint, Money, NeededRows
from dsbs.contracts.bound import (
    Scores,
    Threshold,
    Verdicts,
    fewest_rows,
    find_threshold,
    rows_needed,
    threshold_for_share,
    two_sided,
    upper_limit,
)

_BUDGETS = (0.002, 0.005, 0.01, 0.02, 0.03, 0.05, 0.1)
"""Of the curve."""
_SHARES = (0.05, 0.1, 0.25, 0.5, 0.75, 0.9)
"""For which needed rows are estimated."""


@dataclass(frozen=True)
class ScoredRows:
    """Calibration rows with what the student answered."""

    scores: Scores
    """(rows,), from 0 to 1."""
    labels: Sequence[str | None]
    """The student's. None: no readable one, so that no threshold answers the row."""
    different: Verdicts
    """(rows,), whether the student's label is another than the one to agree with."""

    @property
    def readable(self) -> Verdicts:
        """(rows,), whether there is a label at all."""
        return np.array([label is not None for label in self.labels], bool)

    def of_class(self, label: str) -> "ScoredRows":
        """The rows that the student gives this label."""
        at = np.array([one == label for one in self.labels], bool)
        return ScoredRows(self.scores[at], [label] * int(at.sum()), self.different[at])


@dataclass(frozen=True)
class Promise:
    """What is to hold, and how surely."""

    budget: float
    """Largest share of calls that may be answered locally and differently."""
    level: float
    """1 - confidence."""


@dataclass(frozen=True)
class Findings:
    """The outcome for all rows; fields as in `ContractTerms`."""

    holds: bool
    threshold: float | None
    share_local: float
    share_local_ci95: Interval
    disagreement_bound: float | None
    n: int
    different: int
    agreement: float
    rows_needed: int | None
    per_class: dict[str, ClassTerms]
    curve: list[CurvePoint]
    needed: list[NeededRows]


def find_terms(
    rows: ScoredRows, promise: Promise, *, classes: Sequence[str] = (), by_class: bool = False
) -> Findings:
    """What may be promised of a student.

    Args:
        rows: The calibration rows.
        promise: The budget, and the level.
        classes: Labels of the table per class; empty where labels are no classes.
        by_class: Whether each class gets a threshold of its own, at a level divided by their
            number, for a budget on P(local and different | the student gives this label).
    """
    n = len(rows.scores)
    found = _threshold(rows, promise)
    each = Promise(promise.budget, promise.level / max(1, len(classes)))
    table = {label: _class_terms(rows.of_class(label), found, each, by_class) for label in classes}
    local = found.local
    different = found.different
    if by_class:
        local = sum(terms.local for terms in table.values())
        different = sum(terms.different for terms in table.values())
    holds = any(terms.holds for terms in table.values()) if by_class else found.score is not None
    bound = upper_limit(different, n, promise.level)
    if by_class:
        # All classes keep theirs together, so their mean over calls does.
        bound = max((one.disagreement_bound or 0.0 for one in table.values()), default=0.0)
    share = local / n
    interval = two_sided(local, n, 0.05)
    return Findings(
        holds=holds,
        threshold=None if by_class else found.score,
        share_local=share,
        share_local_ci95=(interval.low, interval.high),
        disagreement_bound=bound if holds else None,
        n=n,
        different=different,
        agreement=float(1 - rows.different.mean()),
        rows_needed=None if holds else _fewest(rows, promise),
        per_class=table,
        curve=_curve(rows, promise),
        needed=[] if by_class else _needed(rows, promise, share),
    )


def money_of(teacher: float, student: float, share_local: float) -> Money:
    """What 1,000 calls cost; the student reads every call."""
    cascade = student + (1 - share_local) * teacher
    return Money(teacher=teacher, student=student, cascade=cascade, saved=teacher - cascade)


def _threshold(rows: ScoredRows, promise: Promise) -> Threshold:
    at = rows.readable
    return find_threshold(
        rows.scores[at],
        rows.different[at],
        budget=promise.budget,
        level=promise.level,
        rows=len(rows.scores),
    )


def _class_terms(
    rows: ScoredRows, whole: Threshold, promise: Promise, by_class: bool
) -> ClassTerms:
    """A class under its own threshold, or under that of all rows."""
    n = len(rows.scores)
    if not by_class:
        local = rows.scores >= (np.inf if whole.score is None else whole.score)
        return ClassTerms(
            n=n, local=int(local.sum()), different=int((local & rows.different).sum())
        )
    found = _threshold(rows, promise)
    holds = found.score is not None
    return ClassTerms(
        n=n,
        local=found.local,
        different=found.different,
        holds=holds,
        threshold=found.score,
        disagreement_bound=upper_limit(found.different, n, promise.level) if holds else None,
        rows_needed=None if holds else _fewest(rows, promise),
    )


def _fewest(rows: ScoredRows, promise: Promise) -> int | None:
    """The rows that the smallest useful share would need, at the rate of differences seen.

    Too few rows for any contract tell little about the rate: then it is the fewest that could do.
    """
    n = len(rows.scores)
    least = fewest_rows(promise.budget, promise.level)
    needed = [one.rows for one in _needed(rows, promise, 0.0)]
    found = [count for count in needed if count is not None and count > n]
    return min(found, default=least if n < least else None)


def _needed(rows: ScoredRows, promise: Promise, above: float) -> list[NeededRows]:
    at = rows.readable
    most = at.mean() if len(at) else 0.0
    found = []
    for share in _SHARES:
        if above < share <= most:
            reached = threshold_for_share(rows.scores[at], rows.different[at], share / most)
            rate = reached.different / len(rows.scores)
            needed = rows_needed(rate, budget=promise.budget, level=promise.level)
            found.append(NeededRows(share=share, rows=needed))
    return found


def _curve(rows: ScoredRows, promise: Promise) -> list[CurvePoint]:
    """Each point keeps its own budget; not all of them together."""
    points = []
    for budget in sorted({*_BUDGETS, promise.budget}):
        found = _threshold(rows, Promise(budget, promise.level))
        share = found.local / len(rows.scores)
        points.append(CurvePoint(budget=budget, threshold=found.score, share_local=share))
    return points
