"""Every candidate against the others, the commonest label, chance and the teacher."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from dsbs.artifacts.results.cells import CellResult
from dsbs.artifacts.results.verdict import Difference
from dsbs.comparison import statistics
from dsbs.comparison.candidates import candidate_groups
from dsbs.comparison.cells import Paired, RowGroups, Verdicts, on_same_rows, paired
from dsbs.comparison.statistics import MIN_SEEDS, group_sums
from dsbs.comparison.variance import Needed, needed

MAJORITY = "majority"
CHANCE = "chance"
TEACHER = "teacher"
PERFECT = "perfect"
"""A candidate that errs nowhere: what is not below it by the margin is below nothing else, however
much the others differ from seed to seed.
"""
GATES = (MAJORITY, CHANCE)
"""What a candidate must be better than."""

BySeed = Mapping[int, Mapping[str, bool]]
"""Verdicts by seed and example id."""


class Asked(NamedTuple):
    """What is asked of every difference."""

    margin: float
    """How far below another candidate counts as being as good."""
    level: float
    """Of the intervals."""
    row_groups: RowGroups


def level_for(candidates: int) -> float:
    """That of each interval, so that all those of one candidate hold together in 95 % of cases.

    Bonferroni's correction for the comparisons of one with all others (Hsu 1996, Multiple
    Comparisons, on comparisons with the best).
    """
    return 1 - 0.05 / max(1, candidates - 1)


def find_differences(
    cells: Sequence[CellResult],
    verdicts: Verdicts,
    teacher: Mapping[str, bool],
    asked: Asked,
) -> list[Difference]:
    """Those of all pairs of candidates, in both directions, and of each with what it must beat.

    Pairs with fewer than 3 common seeds, or on too few groups of rows, have none.
    """
    named = candidate_groups(cells)
    by_name = {name: _by_seed(same, verdicts) for name, same in named.items()}
    found: list[Difference | None] = []
    for name, same in named.items():
        ours = by_name[name]
        for other, theirs in by_name.items():
            if other != name:
                found.append(_difference(name, other, ours, theirs, asked))
        majority = _by_seed(_majority(cells, same[0]), verdicts)
        found.append(_difference(name, MAJORITY, ours, majority, asked))
        if teacher:
            found.append(_difference(name, TEACHER, ours, dict.fromkeys(ours, teacher), asked))
        if same[0].chance is not None:
            found.append(_from_level(name, CHANCE, ours, same[0].chance, asked))
        found.append(_from_level(name, PERFECT, ours, 1.0, asked))
    return [one for one in found if one is not None]


def _by_seed(cells: Sequence[CellResult], verdicts: Verdicts) -> BySeed:
    return {cell.seed: verdicts[cell.name] for cell in cells if cell.name in verdicts}


def _majority(cells: Sequence[CellResult], like: CellResult) -> list[CellResult]:
    return [
        cell for cell in cells if cell.method == "baseline:majority" and on_same_rows(cell, like)
    ]


def _difference(
    name: str, against: str, ours: BySeed, theirs: BySeed, asked: Asked
) -> Difference | None:
    seeds = sorted(ours.keys() & theirs.keys())
    if len(seeds) < MIN_SEEDS:
        return None
    return _tested(name, against, paired(seeds, ours, theirs, asked.row_groups), asked)


def _from_level(
    name: str, against: str, ours: BySeed, share: float, asked: Asked
) -> Difference | None:
    """Less a number: a share of right answers that is known."""
    if len(ours) < MIN_SEEDS:
        return None
    pair = paired(sorted(ours), ours, ours, asked.row_groups)
    return _tested(name, against, pair._replace(second=np.full(pair.first.shape, share)), asked)


def _tested(name: str, against: str, pair: Paired, asked: Asked) -> Difference | None:
    if pair.groups is not None and pair.groups.max() + 1 < MIN_SEEDS:
        return None
    test = statistics.method_test(*pair, level=asked.level)
    low, high = test.ci95_seeds_and_examples
    mean = float(test.difference)
    wanted = mean if against in GATES else mean + asked.margin
    more = _needed(pair, wanted, asked.level) if wanted > 0 else Needed(None, None)
    return Difference(
        candidate=name,
        against=against,
        difference=mean,
        interval=(max(-1.0, float(low)), min(1.0, float(high))),
        rows_needed=more.rows,
        seeds_needed=more.seeds,
        needed_together=more.together,
    )


def _needed(pair: Paired, half_width: float, level: float) -> Needed:
    """What gives an interval of this half width. Groups stand for as many rows as they have."""
    difference = np.asarray(pair.first, dtype=float) - np.asarray(pair.second, dtype=float)
    rows = difference.shape[1]
    if pair.groups is None:
        return needed(difference, half_width, level)
    groups = int(pair.groups.max()) + 1
    deviation = group_sums(difference - difference.mean(), pair.groups) * (groups / rows)
    found = needed(deviation, half_width, level)
    return found._replace(rows=None if found.rows is None else -(-found.rows * rows // groups))
