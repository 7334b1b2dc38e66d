"""Which rows are train, validation and test, and which part of train a fraction means.

All of it follows from a seed, nothing from chance.
"""

from collections.abc import Hashable, Sequence
from typing import TYPE_CHECKING, TypeVar

from dsbs.core.records import Split

if TYPE_CHECKING:
    import numpy as np  # inside the functions, because --help shall not wait for it
    from numpy.typing import NDArray

T = TypeVar("T")

_TRAIN: tuple[Split, ...] = ("train",)
_TEN_OF_ALL: tuple[Split, ...] = (*_TRAIN * 8, "validation", "test")
_TEN_OF_TRAIN: tuple[Split, ...] = (*_TRAIN * 9, "validation")
_FRACTION = 0xF7AC
"""Keeps the order that fractions are cut from apart from the other orders of a seed."""
_CALIBRATION = 0xCA1B
"""The order that calibration rows are cut from."""


def cut_80_10_10(units: Sequence[Hashable], seed: int = 0) -> list[Split]:
    """The split of every row of data that has none: "train", "validation" or "test" for each unit.

    Rows of one unit (a group, or the same content) stay together. Every ten units, in the order in
    which they first appear, give eight, one and one in an order of the seed's. So rows that are
    appended never move an old row to another split.
    """
    return _by_tens(units, _TEN_OF_ALL, seed)


def cut_validation(
    units: Sequence[Hashable], seed: int = 0, *, grouped: bool = False
) -> list[bool]:
    """Whether each training row goes to validation, where data has no such split: one in ten.

    Ungrouped, the cut is that of `datasets`' `train_test_split(test_size=0.1, seed=seed)`, as the
    published code made it (CommonsenseQA 8,766 + 975, SVAMP 720 + 80). Grouped, whole groups go, as
    in `cut_80_10_10`.
    """
    if grouped:
        return [split == "validation" for split in _by_tens(units, _TEN_OF_TRAIN, seed)]
    import numpy as np

    held = np.zeros(len(units), bool)
    held[np.random.default_rng(seed).permutation(len(units))[: -(-len(units) // 10)]] = True
    return held.tolist()


def take_fraction(rows: Sequence[T], frac: float, seed: int) -> list[T]:
    """round(frac x N) of the rows: the first ones in the seed's order.

    So 20 % lies inside 40 %, whatever the method.
    """
    import numpy as np

    order = np.random.default_rng([seed, _FRACTION]).permutation(len(rows))
    return [rows[i] for i in order[: round(frac * len(rows))]]


def held_for_calibration(units: Sequence[Hashable], frac: float) -> list[bool]:
    """Whether each training row is held for calibration: round(frac x N) rows, and whole units.

    The rows are the same for every student, whatever its seed and its fraction.

    Args:
        units: The group of every row, or its id where it has none.
        frac: Share of the rows, from 0 to below 1.
    """
    import numpy as np

    wanted = round(frac * len(units))
    _, which = np.unique(np.asarray(units, dtype=object).astype(str), return_inverse=True)
    sizes = np.bincount(which, minlength=1)
    order = np.random.default_rng(_CALIBRATION).permutation(len(sizes))
    before = np.cumsum(sizes[order]) - sizes[order]
    held = np.zeros(len(sizes), bool)
    held[order[before < wanted]] = True
    return held[which].tolist() if len(units) else []


def occurrences(units: Sequence[Hashable]) -> "NDArray[np.int32]":
    """How often each unit stood before, place by place: 0 for a first one.

    It takes 40 bytes per unit at most, for a moment.
    """
    import numpy as np

    values = np.asarray(units)
    order = np.argsort(values, kind="stable")
    ordered = values[order]
    first = np.flatnonzero(np.r_[True, ordered[1:] != ordered[:-1]])
    found = np.zeros(len(values), np.int32)
    found[order] = np.arange(len(values)) - np.repeat(first, np.diff(np.r_[first, len(values)]))
    return found


def _by_tens(units: Sequence[Hashable], roles: Sequence[Split], seed: int) -> list[Split]:
    import numpy as np

    _, first, which = np.unique(np.asarray(units), return_index=True, return_inverse=True)
    rank = np.empty(len(first), int)  # of each unit, in order of first appearance
    rank[np.argsort(first)] = np.arange(len(first))
    orders = np.empty((-(-len(first) // 10), 10), np.int8)
    for block, order in enumerate(orders):
        order[:] = np.random.default_rng([seed, block]).permutation(10)
    role = orders.reshape(-1)[rank[which]]
    return np.array(roles, object)[role].tolist()  # type: ignore[no-any-return]
