"""Sequences of like length together, so that little of what is computed is padding."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Lengths = NDArray[np.int64]
"""Input and target tokens of every sequence, (N, 2)."""


def padded_tokens(lengths: Lengths) -> int:
    """Tokens of one batch of these sequences, padding included."""
    return len(lengths) * int(lengths.max(axis=0).sum()) if len(lengths) else 0


def split_alike(
    lengths: Lengths, *, most: float = np.inf, worth: float = np.inf
) -> list[NDArray[np.int64]]:
    """Row numbers in groups to be padded within themselves.

    A group is cut in two while it has more than `most` tokens, padding included, or the cut saves more than `worth` of them.
    """
    groups, whole = [], [np.arange(len(lengths))]
    while whole:
        rows = whole.pop()
        parts, saved = _cut(rows, lengths[rows], every=1)
        pays = saved > worth or padded_tokens(lengths[rows]) > most
        if len(parts) > 1 and pays:
            whole += reversed(parts)
        else:
            groups.append(rows)
    return groups


def split_evenly(lengths: Lengths, size: int) -> list[NDArray[np.int64]]:
    """Row numbers in groups of `size` rows of like length; one group is smaller where the rows do not come out even."""
    groups, whole = [], [np.arange(len(lengths))]
    while whole:
        rows = whole.pop()
        if len(rows) <= size:
            groups.append(rows)
        else:
            whole += reversed(_cut(rows, lengths[rows], every=size)[0])
    return groups


def _cut(
    rows: NDArray[np.int64], lengths: Lengths, *, every: int
) -> tuple[Sequence[NDArray[np.int64]], float]:
    """Both parts of the best cut across one of the lengths, at a multiple of `every` rows, and the tokens it saves."""
    if len(rows) <= every:
        return [rows], 0.0
    cuts = np.arange(every, len(rows), every)
    found = []
    for axis in (0, 1):
        order = np.lexsort((lengths[:, 1 - axis], lengths[:, axis]))
        ordered = lengths[order]
        longest_before = np.maximum.accumulate(ordered).sum(axis=1)
        longest_behind = np.maximum.accumulate(ordered[::-1])[::-1].sum(axis=1)
        padded = cuts * longest_before[cuts - 1] + (len(rows) - cuts) * longest_behind[cuts]
        # Of cuts that are as good as one another, the one nearest to the middle.
        best = np.lexsort((np.abs(cuts - len(rows) / 2), padded))[0]
        found.append((padded[best], cuts[best], order))
    padded_after, cut, order = min(found, key=lambda one: one[0])
    return [rows[order[:cut]], rows[order[cut:]]], float(padded_tokens(lengths) - padded_after)
