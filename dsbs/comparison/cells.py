"""Which cells belong together: done ones, those that share a setting, those of the same seeds."""

from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

from dsbs.artifacts.results.cells import CellResult, GroupKey, Variant
from dsbs.artifacts.results.compared import Levels
from dsbs.config.axes import AxisName, Level
from dsbs.core.records import LearnedBy

T = TypeVar("T")

Verdicts = Mapping[str, Mapping[str, bool]]
"""For each cell by name: whether it answered each example correctly, by example id."""

RowGroups = Mapping[str, str]
"""The group of each example that has one, by example id. Others share none."""


class Paired(NamedTuple):
    """Verdicts of two sides on the examples that all of them answered."""

    first: NDArray[Any]
    """(seeds, examples)"""
    second: NDArray[Any]
    groups: NDArray[Any] | None
    """(examples,) the number of each example's group; None where no two share one."""


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


def reference_method(cells: Sequence[Variant]) -> LearnedBy:
    """The method that the others are compared with: `standard`, or the first one without it."""
    methods = [cell.method for cell in cells]
    return "standard" if "standard" in methods else methods[0]


def reference_level(axis: AxisName, cells: Sequence[CellResult]) -> Level | None:
    """The value of an axis that the others are compared with: for methods see above, else the first
    one.
    """
    if axis == "method":
        return reference_method(cells) if cells else None
    return next((level for cell in cells if (level := getattr(cell, axis)) is not None), None)


def pairs_along(
    axis: AxisName, groups: Sequence[Sequence[CellResult]], reference: Level | None
) -> Iterator[tuple[Sequence[CellResult], Sequence[CellResult]]]:
    """Groups of seeds with another value of the axis, each with one of the reference."""
    for first in groups:
        level = getattr(first[0], axis)
        if level is None or level == reference:
            continue
        for second in groups:
            if getattr(second[0], axis) == reference and alike_but(axis, first[0], second[0]):
                yield first, second


def alike_but(axis: AxisName, first: GroupKey, second: GroupKey) -> bool:
    """Whether two groups of seeds share all but this axis.

    An axis that makes no difference to one of them does not set them apart. Methods may be compared
    at another `equal`.
    """
    fixed: list[AxisName] = ["student", "labels", "data_frac", "method"]
    same = all(getattr(first, one) == getattr(second, one) for one in fixed if one != axis)
    return (
        same
        and (axis == "method" or first.equal == second.equal)
        and levels_fit(first, second, but=axis)
    )


def levels_fit(first: Levels, second: Levels, but: AxisName | None = None) -> bool:
    """Whether no further axis, but this one, has different values on both sides."""
    ours = first.levels
    return all(
        name == but or name not in ours or ours[name] == level
        for name, level in second.levels.items()
    )


def on_same_rows(first: GroupKey, second: GroupKey) -> bool:
    """Whether both learned the same labels of the same rows."""
    same = (first.labels, first.data_frac) == (second.labels, second.data_frac)
    return same and levels_fit(first, second)


def share_of(cell: CellResult) -> float:
    """The score of a cell that is done: accuracy, or agreement with the teacher without gold."""
    assert cell.score is not None
    return cell.score.share


def paired(
    seeds: Sequence[int],
    first: Mapping[int, Mapping[str, bool]],
    second: Mapping[int, Mapping[str, bool]],
    row_groups: RowGroups,
) -> Paired:
    """Verdicts of both sides as `(seeds, examples)`, on the examples that all of them answered."""
    sides = [side[seed] for side in (first, second) for seed in seeds]
    common = [example for example in sides[0] if all(example in side for side in sides[1:])]
    ours, theirs = (
        np.array([[side[seed][example] for example in common] for seed in seeds])
        for side in (first, second)
    )
    return Paired(ours, theirs, group_numbers(common, row_groups))


def group_numbers(examples: Sequence[str], row_groups: RowGroups) -> NDArray[Any] | None:
    """The number of each example's group, from 0 on; None where no two share one."""
    # An example without a group is a group of its own, whatever other groups are called.
    keys = [(example in row_groups, row_groups.get(example, example)) for example in examples]
    numbers: dict[tuple[bool, str], int] = {}
    found = np.array([numbers.setdefault(key, len(numbers)) for key in keys], dtype=int)
    return None if len(numbers) == len(examples) else found


def mostly_stuck(cells: Sequence[CellResult]) -> bool:
    """Whether more than half of these students did not learn: they stand at chance, or at zero."""
    return 2 * sum(bool(cell.flags) for cell in cells) > len(cells)
