"""Made-up lengths of examples, and the share of padding in a way to group them."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from dsbs.student.length_groups import padded_tokens


def lengths(count: int, seed: int = 0) -> NDArray[np.int64]:
    rng = np.random.default_rng(seed)
    return np.stack([rng.integers(20, 90, count), rng.integers(2, 80, count)], axis=1)


def share_of_padding(rows: NDArray[np.int64], groups: list[Any]) -> float:
    return 1 - rows.sum() / sum(padded_tokens(rows[group]) for group in groups)
