"""How much data a method needs to be as good as ordinary training on all data, or the teacher."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from dsbs.artifacts.results.compare import CellResult, DataNeed
from dsbs.comparison import statistics
from dsbs.comparison.cells import Verdicts, done_cells, grouped, paired, reference_method
from dsbs.comparison.statistics import MIN_SEEDS, Interval

_Opponents = Mapping[int, Mapping[str, bool]]
"""By seed, the verdicts that a student of this seed is compared with."""


class _AtFraction(NamedTuple):
    """A method at one fraction less its opponent."""

    data_frac: float
    difference: float
    interval: Interval | None
    """None below 3 seeds."""
    seeds: int


def find_data_needs(
    cells: Sequence[CellResult], verdicts: Verdicts, teacher: Mapping[str, bool], equal: str
) -> list[DataNeed]:
    """The least data with which each method is as good as `standard` on all data, and the teacher.

    Args:
        cells: Those with another `equal` than the comparison's are ignored.
        verdicts: Those of every cell that is done.
        teacher: The teacher's own verdicts by example id; {} without any.
        equal: That of the comparison.
    """
    done = [cell for cell in done_cells(cells) if cell.equal == equal]
    if not done:
        return []
    reference = reference_method(cells)
    largest = max(cell.data_frac for cell in done)
    found = []
    for alike in grouped(done, lambda cell: (cell.student, cell.labels, cell.method)):
        first = alike[0]
        standard = {
            cell.seed: verdicts[cell.name]
            for cell in done
            if cell.method == reference and cell.setting == (first.student, first.labels, largest)
        }
        if first.method != reference and standard:
            found.append(_need(alike, verdicts, standard, against=reference, at=largest))
        if teacher:
            opponents = {cell.seed: teacher for cell in alike}
            found.append(_need(alike, verdicts, opponents, against="teacher", at=None))
    return [need for need in found if need.fractions]


def _need(
    cells: Sequence[CellResult],
    verdicts: Verdicts,
    opponents: _Opponents,
    *,
    against: str,
    at: float | None,
) -> DataNeed:
    """The cells of one method, at each fraction, against opponents by seed."""
    by_fraction = sorted(
        grouped(cells, lambda cell: cell.data_frac), key=lambda same: same[0].data_frac
    )
    rows = [row for same in by_fraction if (row := _at(same, verdicts, opponents)) is not None]
    fractions = [row.data_frac for row in rows]
    differences = [row.difference for row in rows]
    intervals = [row.interval for row in rows]
    smallest = statistics.smallest_fraction(fractions, differences, intervals)
    return DataNeed(
        student=cells[0].student,
        labels=cells[0].labels,
        method=cells[0].method,
        against=against,
        at=at,
        seeds=min((row.seeds for row in rows), default=0),
        fractions=fractions,
        differences=differences,
        ci95_seeds_and_examples=intervals,
        **smallest._asdict(),
    )


def _at(
    cells: Sequence[CellResult], verdicts: Verdicts, opponents: _Opponents
) -> _AtFraction | None:
    """The cells of one fraction; None if no seed has an opponent."""
    ours = {cell.seed: verdicts[cell.name] for cell in cells}
    seeds = sorted(ours.keys() & opponents.keys())
    if not seeds:
        return None
    first, second = paired(seeds, ours, opponents)
    interval = None
    if len(seeds) >= MIN_SEEDS:
        low, high = statistics.method_test(first, second).ci95_seeds_and_examples
        interval = Interval(float(low), float(high))
    difference = float(first.mean() - second.mean())
    return _AtFraction(cells[0].data_frac, difference, interval, len(seeds))
