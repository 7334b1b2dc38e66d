"""How much data a method needs to be as good as ordinary training on all data, or the teacher."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from dsbs.artifacts.results.base import Score
from dsbs.artifacts.results.cells import CellResult
from dsbs.artifacts.results.claims import DataNeed
from dsbs.comparison import statistics
from dsbs.comparison.cells import (
    RowGroups,
    Verdicts,
    done_cells,
    grouped,
    levels_fit,
    mostly_stuck,
    paired,
    reference_method,
)
from dsbs.comparison.groups import decisive_interval
from dsbs.comparison.statistics import MIN_SEEDS, Interval


class Teacher(NamedTuple):
    """The teacher as an opponent."""

    verdicts: Mapping[str, bool]
    """By example id; {} without any."""
    score: Score | None = None
    chance: float | None = None
    """Accuracy of a student that has learned nothing."""
    name: str = ""
    """Its name where there are several: students that learned from another have no need of it."""

    @property
    def title(self) -> str:
        """How it is named as an opponent."""
        return f"teacher {self.name}".rstrip()

    def may_face(self, cell: CellResult) -> bool:
        """Whether a student of this cell is compared with it."""
        return cell.teacher is None or not self.name or cell.teacher == self.name

    @property
    def stuck(self) -> bool:
        """Whether its accuracy is not shown to beat chance."""
        if self.score is None or self.chance is None:
            return not any(self.verdicts.values())
        return bool(decisive_interval(self.score)[0] <= self.chance)


class _Opponent(NamedTuple):
    """Whom a method is compared with."""

    name: str
    verdicts: Mapping[int, Mapping[str, bool]]
    """By seed, those that a student of this seed is compared with."""
    at: float | None
    """Its fraction; None for the teacher."""
    stuck: bool


class _AtFraction(NamedTuple):
    """A method at one fraction less its opponent."""

    data_frac: float
    difference: float
    interval: Interval | None
    """None below 3 seeds, and where nearly all rows are of one group."""
    seeds: int
    learned: bool


def find_data_needs(
    cells: Sequence[CellResult],
    verdicts: Verdicts,
    teachers: Sequence[Teacher],
    equal: str,
    row_groups: RowGroups | None = None,
    *,
    margin: float = 0.0,
) -> list[DataNeed]:
    """The data with which each method is as good as `standard` on all data, and as the teacher.

    Args:
        cells: Those with another `equal` than the comparison's are ignored.
        verdicts: Those of every cell that is done.
        teachers: The teachers; each student is compared with the one that it learned from.
        equal: That of the comparison.
        row_groups: The group of each example that has one. Default: none has.
        margin: How far below the other counts as being as good.
    """
    wanted = [c for c in done_cells(cells) if c.method != "baseline:majority"]
    done = [cell for cell in wanted if cell.equal == equal]
    if not done:
        return []
    reference = reference_method(cells)
    largest = max(cell.data_frac for cell in done)
    found = []
    for alike in grouped(
        done, lambda cell: (cell.student, cell.labels, cell.method, *cell.levels.items())
    ):
        first = alike[0]
        standard = [
            cell
            for cell in done
            if cell.method == reference
            and (cell.student, cell.labels, cell.data_frac)
            == (first.student, first.labels, largest)
            and levels_fit(first, cell)
        ]
        opponents = []
        if first.method != reference and standard:
            by_seed = {cell.seed: verdicts[cell.name] for cell in standard}
            opponents.append(_Opponent(reference, by_seed, largest, mostly_stuck(standard)))
        for teacher in teachers:
            if teacher.verdicts and teacher.may_face(first):
                same = {cell.seed: teacher.verdicts for cell in alike}
                opponents.append(_Opponent(teacher.title, same, None, teacher.stuck))
        found += [_need(alike, verdicts, one, row_groups or {}, margin) for one in opponents]
    return [need for need in found if need.fractions]


def _need(
    cells: Sequence[CellResult],
    verdicts: Verdicts,
    opponent: _Opponent,
    row_groups: RowGroups,
    margin: float,
) -> DataNeed:
    """The cells of one method, at each fraction, against an opponent."""
    by_fraction = sorted(
        grouped(cells, lambda cell: cell.data_frac), key=lambda same: same[0].data_frac
    )
    at_each = (_at(same, verdicts, opponent, row_groups) for same in by_fraction)
    rows = [row for row in at_each if row is not None]
    fractions = [row.data_frac for row in rows]
    differences = [row.difference for row in rows]
    intervals = [row.interval for row in rows]
    # To be as good as one that has learned nothing is no achievement.
    learned = [row.learned and not opponent.stuck for row in rows]
    smallest = statistics.smallest_fraction(
        fractions, differences, intervals, learned=learned, margin=margin
    )
    return DataNeed(
        student=cells[0].student,
        labels=cells[0].labels,
        method=cells[0].method,
        **cells[0].levels,
        against=opponent.name,
        at=opponent.at,
        seeds=min((row.seeds for row in rows), default=0),
        margin=margin,
        fractions=fractions,
        learned=[row.learned for row in rows],
        opponent_learned=not opponent.stuck,
        differences=differences,
        ci95_seeds_and_examples=intervals,
        **smallest._asdict(),
    )


def _at(
    cells: Sequence[CellResult], verdicts: Verdicts, opponent: _Opponent, row_groups: RowGroups
) -> _AtFraction | None:
    """The cells of one fraction; None if no seed has an opponent."""
    ours = {cell.seed: verdicts[cell.name] for cell in cells}
    seeds = sorted(ours.keys() & opponent.verdicts.keys())
    if not seeds:
        return None
    pair = paired(seeds, ours, opponent.verdicts, row_groups)
    interval = None
    if len(seeds) >= MIN_SEEDS and (pair.groups is None or pair.groups.max() + 1 >= MIN_SEEDS):
        low, high = statistics.method_test(*pair).ci95_seeds_and_examples
        interval = Interval(max(-1.0, float(low)), min(1.0, float(high)))
    difference = float(pair.first.mean() - pair.second.mean())
    learned = not mostly_stuck([cell for cell in cells if cell.seed in seeds])
    return _AtFraction(cells[0].data_frac, difference, interval, len(seeds), learned)
