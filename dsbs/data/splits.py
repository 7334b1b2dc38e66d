"""Which rows are train, validation and test, and which part of train a fraction means. All by seed, none by chance."""

from collections.abc import Hashable, Sequence
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

T = TypeVar("T")


def cut_80_10_10(units: Sequence[Hashable], seed: int = 0) -> list[str]:
    """The split of every row of data that has none: "train", "validation" or "test" for each of `units`.

    Rows of one unit (a group, or the same content) stay together. Every ten units, in order of first appearance, give
    eight, one and one in an order of the seed's, so that appending rows never moves an old row to another split.
    """
    return _by_tens(units, ["train"] * 8 + ["validation", "test"], seed)


def cut_validation(
    units: Sequence[Hashable], seed: int = 0, *, grouped: bool = False
) -> list[bool]:
    """Whether each training row goes to validation, for data that has no validation split: one row in ten.

    Ungrouped, the cut is that of `datasets`' `train_test_split(test_size=0.1, seed=seed)`, as the published code made it
    (CommonsenseQA 8,766 + 975, SVAMP 720 + 80). Grouped, whole groups go, as in `cut_80_10_10`.
    """
    if grouped:
        return [
            split == "validation" for split in _by_tens(units, ["train"] * 9 + ["validation"], seed)
        ]
    import numpy as np  # here, as in all of this file, because --help shall not wait for it

    held = np.zeros(len(units), bool)
    held[np.random.default_rng(seed).permutation(len(units))[: -(-len(units) // 10)]] = True
    return held.tolist()


def take_fraction(rows: Sequence[T], frac: float, seed: int) -> list[T]:
    """round(frac x N) of the rows: a prefix of the seed's order, so that 20 % lies inside 40 % whatever the method."""
    import numpy as np

    order = np.random.default_rng([seed, 0xF7AC]).permutation(len(rows))
    return [rows[i] for i in order[: round(frac * len(rows))]]


def occurrences(units: Sequence[Hashable]) -> "NDArray[np.int32]":
    """How often each unit stood before, place by place: 0 for a first one. 40 bytes a unit at most, for a moment."""
    import numpy as np

    values = np.asarray(units)
    order = np.argsort(values, kind="stable")
    ordered = values[order]
    first = np.flatnonzero(np.r_[True, ordered[1:] != ordered[:-1]])
    found = np.zeros(len(values), np.int32)
    found[order] = np.arange(len(values)) - np.repeat(first, np.diff(np.r_[first, len(values)]))
    return found


def _by_tens(units: Sequence[Hashable], roles: list[str], seed: int) -> list[str]:
    import numpy as np

    _, first, which = np.unique(np.asarray(units), return_index=True, return_inverse=True)
    rank = np.empty(len(first), int)
    rank[np.argsort(first)] = np.arange(len(first))  # of each unit, in order of first appearance
    orders = np.empty((-(-len(first) // 10), 10), np.int8)
    for block, order in enumerate(orders):
        order[:] = np.random.default_rng([seed, block]).permutation(10)
    return np.array(roles, object)[orders.reshape(-1)[rank[which]]].tolist()  # type: ignore[no-any-return]
