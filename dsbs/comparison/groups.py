"""Means over seeds, with intervals, and the number of students that did not learn."""

from collections.abc import Sequence

import numpy as np

from dsbs.artifacts.results.base import Interval, Score
from dsbs.artifacts.results.cells import CellResult, Flag, Group
from dsbs.artifacts.results.evaluate import StudentScores
from dsbs.comparison import statistics
from dsbs.comparison.cells import (
    RowGroups,
    Verdicts,
    done_cells,
    group_numbers,
    grouped,
    share_of,
)
from dsbs.core.records import NearDuplicates
from dsbs.metrics.accuracy import Interval as EndsOfShare
from dsbs.metrics.accuracy import interval
from dsbs.metrics.collapse import Notice, at_chance, mostly_unparsable
from dsbs.metrics.intervals import UnitsInterval, units_interval

_NONE = UnitsInterval(None)


def decisive_interval(score: Score) -> Interval:
    """What tells an accuracy from chance: its interval, or that of independent rows if withheld."""
    return score.ci95_examples or interval(score.correct, score.n)


def learning_flags(scores: StudentScores, chance: float) -> list[Flag]:
    """Why a student counts as not having learned; [] for one that has. See `Flag`."""
    flags: list[Flag] = []
    if at_chance(decisive_interval(scores), chance):
        flags.append("at_chance")
    if mostly_unparsable(scores.unparsable):
        flags.append("unparsable")
    if any(notice.sign == "one_label" for notice in scores.notices):
        flags.append("one_label")
    return flags


def gather_notices(cells: Sequence[CellResult]) -> list[Notice]:
    """One notice per sign of collapse: how many of the students show it, and the first of them."""
    shown = [(cell, notice) for cell in done_cells(cells) for notice in cell.notices]
    found = []
    for alike in grouped(shown, lambda pair: (pair[1].sign, pair[1].who)):
        cell, first = alike[0]
        names = {cell.name for cell, _ in alike}
        peers = [one for one in cells if one.is_baseline == cell.is_baseline]
        what = "baselines" if cell.is_baseline else "students"
        text = f"{first.text} ({len(names)} of {len(peers)} {what}, first {cell.name})"
        found.append(Notice(first.sign, first.who, text))
    return found


def make_groups(
    cells: Sequence[CellResult],
    verdicts: Verdicts,
    row_groups: RowGroups | None = None,
    duplicates: NearDuplicates | None = None,
) -> list[Group]:
    """Cells that differ in their seed only, together, in the order of the grid."""
    seen = frozenset(duplicates.tests) if duplicates else frozenset()
    return [
        _group(same, verdicts, row_groups or {}, seen)
        for same in grouped(cells, lambda cell: cell.group)
    ]


def _group(
    cells: Sequence[CellResult], verdicts: Verdicts, row_groups: RowGroups, seen: frozenset[str]
) -> Group:
    first = cells[0]
    done = done_cells(cells)
    known = Group(
        student=first.student,
        labels=first.labels,
        data_frac=first.data_frac,
        method=first.method,
        equal=first.equal,
        **first.levels,
        seeds=len(cells),
        done=len(done),
        failed=len(cells) - len(done),
    )
    if not done:
        return known
    learned = [share_of(cell) for cell in done if not cell.flags]
    over_seeds = statistics.mean_over_seeds([share_of(cell) for cell in done])
    over_examples = _over_examples(done, verdicts, row_groups)
    return known.model_copy(
        update={
            "at_chance": sum("at_chance" in cell.flags for cell in done),
            "unparsable": sum("unparsable" in cell.flags for cell in done),
            "one_label": sum("one_label" in cell.flags for cell in done),
            "n_train": done[0].n_train,
            "n_explained": done[0].n_explained,
            "learning_rate": done[0].learning_rate,
            "epochs": done[0].epochs,
            "target_tokens": done[0].target_tokens,
            "train_flops": done[0].train_flops,
            "mean": over_seeds.mean,
            "mean_published": _mean([cell.published_accuracy for cell in done]),
            "mean_learned": float(np.mean(learned)) if learned else None,
            "standard_error": over_seeds.standard_error,
            "ci95_seeds": _possible(over_seeds.ci95_seeds),
            "ci95_examples": over_examples.interval,
            "ci95_withheld": over_examples.withheld,
            "mean_unseen": _mean_unseen(done, verdicts, seen),
        }
    )


def _over_examples(
    done: Sequence[CellResult], verdicts: Verdicts, row_groups: RowGroups
) -> UnitsInterval:
    """For other examples, answered by these same students."""
    score = done[0].score
    known = [verdicts[cell.name] for cell in done if cell.name in verdicts]
    if not known or (len(done) == 1 and score is not None):
        return _interval_of_one(score) if score else _NONE
    common = [example for example in known[0] if all(example in one for one in known)]
    right = np.array([[one[example] for example in common] for one in known]).sum(axis=0)
    groups = group_numbers(common, row_groups)
    counted = np.full(len(common), len(known))
    if groups is None:
        return units_interval(right, counted)
    return units_interval(np.bincount(groups, right), np.bincount(groups, counted))


def _interval_of_one(score: Score) -> UnitsInterval:
    ends = score.ci95_examples
    return UnitsInterval(None if ends is None else EndsOfShare(*ends), score.ci95_withheld)


def _mean_unseen(
    done: Sequence[CellResult], verdicts: Verdicts, seen: frozenset[str]
) -> float | None:
    """The mean without test inputs that training has nearly seen; None where there are none."""
    known = [verdicts[cell.name] for cell in done if cell.name in verdicts]
    shares = [
        float(np.mean(unseen))
        for one in known
        if (unseen := [right for example, right in one.items() if example not in seen])
    ]
    return float(np.mean(shares)) if seen and shares else None


def _mean(values: Sequence[float | None]) -> float | None:
    """Their mean; None where one is not known."""
    known = [value for value in values if value is not None]
    return float(np.mean(known)) if len(known) == len(values) else None


def _possible(interval: statistics.Interval | None) -> Interval | None:
    """An interval cut to what an accuracy can be: 0 to 1."""
    if interval is None:
        return None
    return (max(0.0, float(interval.low)), min(1.0, float(interval.high)))
