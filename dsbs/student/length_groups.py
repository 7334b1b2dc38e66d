"""Groups of sequences of similar length, so that little of what is computed is padding."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Lengths = NDArray[np.int64]
"""(N, 2): input and target tokens of every sequence."""

RowNumbers = NDArray[np.int64]


class _Cut(NamedTuple):
    parts: list[RowNumbers]
    saved: float
    """Tokens of padding that the cut saves."""


def padded_tokens(lengths: Lengths) -> int:
    """Tokens of one batch of these sequences, padding included."""
    return len(lengths) * int(lengths.max(axis=0).sum()) if len(lengths) else 0


def split_by_length(
    lengths: Lengths, *, max_tokens: float = np.inf, min_saved: float = np.inf
) -> list[RowNumbers]:
    """Split rows into groups that are padded within themselves.

    A group is cut in two as long as it has more than `max_tokens`, padding included, or the cut
    saves more than `min_saved` tokens.

    Returns:
        The row numbers of every group.
    """
    groups = []
    pending = [np.arange(len(lengths))]
    while pending:
        rows = pending.pop()
        cut = _best_cut(rows, lengths[rows])
        too_large = padded_tokens(lengths[rows]) > max_tokens
        if len(cut.parts) > 1 and (too_large or cut.saved > min_saved):
            pending += reversed(cut.parts)
        else:
            groups.append(rows)
    return groups


def _best_cut(rows: RowNumbers, lengths: Lengths) -> _Cut:
    """The cut into shorter and longer rows, by input or by target length, that saves the most."""
    if len(rows) <= 1:
        return _Cut([rows], 0.0)
    sizes = np.arange(1, len(rows))
    best: _Cut | None = None
    before = padded_tokens(lengths)
    for axis in (0, 1):
        order = np.lexsort((lengths[:, 1 - axis], lengths[:, axis]))
        ordered = lengths[order]
        longest_before = np.maximum.accumulate(ordered).sum(axis=1)
        longest_after = np.maximum.accumulate(ordered[::-1])[::-1].sum(axis=1)
        padded = sizes * longest_before[sizes - 1] + (len(rows) - sizes) * longest_after[sizes]
        # Among equally good cuts, the one nearest to the middle.
        at = np.lexsort((np.abs(sizes - len(rows) / 2), padded))[0]
        saved = float(before - padded[at])
        if best is None or saved > best.saved:
            best = _Cut([rows[order[: sizes[at]]], rows[order[sizes[at] :]]], saved)
    assert best is not None
    return best
