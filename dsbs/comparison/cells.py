"""Which cells belong together: done ones, those that share a setting, those of the same seeds."""

from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from dsbs.artifacts.results.compare import CellResult, Variant
from dsbs.core.records import Method

T = TypeVar("T")

Verdicts = Mapping[str, Mapping[str, bool]]
"""For each cell by name: whether it answered each example correctly, by example id."""


def done_cells(cells: Iterable[CellResult]) -> list[CellResult]:
    """The cells that were trained and measured."""
    return [cell for cell in cells if cell.status == "done"]


def counted_cells(cells: Sequence[CellResult]) -> list[CellResult]:
    """The cells that may stand for their method: no training twice.

    A cell that fell back to `standard` for lack of rationales is no sample of the method that was
    asked for, and it repeats the cell of `standard` with its setting and seed. So it counts
    only where there is no such cell, and then as `standard`.
    """
    known = {(*cell.group, cell.seed) for cell in cells if cell.fell_back_from is None}
    found = []
    for cell in cells:
        key = (*cell.group, cell.seed)
        if cell.fell_back_from is None or key not in known:
            known.add(key)
            found.append(cell)
    return found


def grouped(items: Iterable[T], key: Callable[[T], Hashable]) -> list[list[T]]:
    """Items with the same key together, in the order in which each key first occurs."""
    found: dict[Hashable, list[T]] = {}
    for item in items:
        found.setdefault(key(item), []).append(item)
    return list(found.values())


def reference_method(cells: Sequence[Variant]) -> Method:
    """The method that the others are compared with: `standard`, or the first one without it."""
    methods = [cell.method for cell in cells]
    return "standard" if "standard" in methods else methods[0]


def share_of(cell: CellResult) -> float:
    """The score of a cell that is done: accuracy, or agreement with the teacher without gold."""
    assert cell.score is not None
    return cell.score.share


def paired(
    seeds: Sequence[int],
    first: Mapping[int, Mapping[str, bool]],
    second: Mapping[int, Mapping[str, bool]],
) -> tuple[NDArray[Any], NDArray[Any]]:
    """Verdicts of both sides as `(seeds, examples)`, on the examples that all of them answered."""
    sides = [side[seed] for side in (first, second) for seed in seeds]
    common = [example for example in sides[0] if all(example in side for side in sides[1:])]
    ours, theirs = (
        np.array([[side[seed][example] for example in common] for seed in seeds])
        for side in (first, second)
    )
    return ours, theirs
