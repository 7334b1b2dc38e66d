"""How much data a method needs: the smallest fraction at which it is as good as ordinary training on all, or as the teacher."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from dsbs.comparison import statistics
from dsbs.comparison.claims import Cell, Verdicts, by_key, done_cells, paired, reference_method
from dsbs.comparison.statistics import MIN_SEEDS, Interval

_KEYS = ("student", "labels", "method")


class _At(NamedTuple):
    """A method at one fraction, less its opponent."""

    fraction: float
    difference: float
    interval: Interval | None
    seeds: int


def data_needed(
    cells: Sequence[Cell], verdicts: Verdicts, teacher: Mapping[str, bool]
) -> list[dict[str, Any]]:
    """The least data with which a method is at least as good as `standard` on the largest fraction, and as the teacher.

    `estimate`, `possible` and `certain` as of `statistics.smallest_fraction`; the last two need 3 seeds. `teacher`: its own
    verdicts by example id; {} where it has none.
    """
    done = [cell for cell in done_cells(cells) if cell["equal"] == cells[0]["equal"]]
    reference, largest = (
        reference_method(cells),
        max((cell["data_frac"] for cell in done), default=1.0),
    )
    found = []
    for alike in by_key(done, _KEYS):
        first = alike[0]
        full = [c for c in done if (c["method"], c["data_frac"]) == (reference, largest)]
        standard = {
            c["seed"]: verdicts[c["name"]]
            for c in full
            if all(c[key] == first[key] for key in ("student", "labels"))
        }
        if first["method"] != reference and standard:
            found.append(_needed(alike, verdicts, standard) | {"against": reference, "at": largest})
        if teacher:
            found.append(
                _needed(alike, verdicts, {c["seed"]: teacher for c in alike})
                | {"against": "teacher", "at": None}
            )
    return [need for need in found if need["fractions"]]


def _needed(
    cells: Sequence[Cell], verdicts: Verdicts, opponents: Mapping[int, Mapping[str, bool]]
) -> dict[str, Any]:
    """How the cells of one method fare at each fraction against opponents by seed."""
    fractions = sorted(by_key(cells, ("data_frac",)), key=lambda same: float(same[0]["data_frac"]))
    rows = [row for same in fractions if (row := _at(same, verdicts, opponents)) is not None]
    intervals = [row.interval for row in rows]
    return {
        **{key: cells[0][key] for key in _KEYS},
        "seeds": min((row.seeds for row in rows), default=0),
        "fractions": [row.fraction for row in rows],
        "differences": [row.difference for row in rows],
        "ci95_seeds_and_examples": [interval and list(interval) for interval in intervals],
        **statistics.smallest_fraction(
            [row.fraction for row in rows], [row.difference for row in rows], intervals
        ),
    }


def _at(
    cells: Sequence[Cell], verdicts: Verdicts, opponents: Mapping[int, Mapping[str, bool]]
) -> _At | None:
    """Cells of one fraction; None where no seed has an opponent."""
    ours = {cell["seed"]: verdicts[cell["name"]] for cell in cells}
    seeds = sorted(ours.keys() & opponents.keys())
    if not seeds:
        return None
    first, second = paired(seeds, ours, opponents)
    interval = None
    if len(seeds) >= MIN_SEEDS:
        low, high = statistics.method_claim(first, second).ci95_seeds_and_examples
        interval = Interval(float(low), float(high))
    return _At(cells[0]["data_frac"], float(first.mean() - second.mean()), interval, len(seeds))
