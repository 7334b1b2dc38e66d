"""95 % intervals of a share whose rows are not independent: they share a group, or a question.

A unit holds what belongs together: the rows of one group, or the answers of several students to one
question. Units are independent of each other. docs/comparison.md has the simulations.
"""

import zlib
from collections import Counter
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, NamedTuple

from dsbs.metrics.accuracy import Interval, interval, wilson

if TYPE_CHECKING:
    from numpy.typing import NDArray  # in the functions, because --help shall not wait for it

_MOST_UNITS = 2**16
FEW = 4.0
"""With right (or wrong) answers in fewer units than this, their spread is not known."""
_LEAST_LIKE = 1 / 3
"""Units of very unlike size count as fewer. Below this share of their number, the interval covers
the truth in less than 90 of 100 cases."""


class UnitsInterval(NamedTuple):
    """An interval, or why there is none."""

    interval: Interval | None
    withheld: str = ""


def units_interval(correct: "NDArray[Any]", size: "NDArray[Any]") -> UnitsInterval:
    """The interval of a share over units.

    Args:
        correct: (units,) right answers in each.
        size: (units,) all answers in each.
    """
    if (size == 1).all():
        return UnitsInterval(interval(float(correct.sum()), size.size))
    if size.size < 2:
        return UnitsInterval(None, "all rows are of one group")
    like = effective_number(size)
    if like < _LEAST_LIKE * size.size:
        return UnitsInterval(
            None, f"{size.size:,} groups of very unlike size count as {like:.1f} of like size"
        )
    import numpy as np

    low, high = clustered(np.asarray(correct, dtype=float), np.asarray(size, dtype=float))
    return UnitsInterval(Interval(float(low), float(high)))


class GroupedVerdicts:
    """Counts right rows by group as they pass; a row without a group is a group of its own.

    Memory does not grow with rows: of very many groups, some are counted together, which leaves
    what is counted together independent of the rest.
    """

    def __init__(self) -> None:
        self._right: Counter[int] = Counter()
        self._size: Counter[int] = Counter()
        self._grouped = False
        self._rows = 0

    def add(self, verdict: bool, group: str | None) -> None:
        """Count a row."""
        self._rows += 1
        self._grouped |= group is not None
        key = f"row {self._rows}" if group is None else f"group {group}"
        place = zlib.crc32(key.encode()) % _MOST_UNITS
        self._right[place] += verdict
        self._size[place] += 1

    def over_examples(self) -> UnitsInterval:
        """The interval of the share of right rows."""
        if not self._rows:
            return UnitsInterval(None, "no rows")
        if not self._grouped:
            return UnitsInterval(interval(self._right.total(), self._rows))
        if find_spec("scipy") is None:
            return UnitsInterval(None, "rows share groups, which needs scipy: pip install scipy")
        import numpy as np

        places = list(self._size)
        right = np.array([self._right[place] for place in places])
        return units_interval(right, np.array([self._size[place] for place in places]))


def clustered(correct: "NDArray[Any]", size: "NDArray[Any]") -> Interval:
    """Both ends of the interval; arrays where `correct` has leading dimensions.

    The variance of the share is that of the jackknife over units, which is a cluster-robust
    variance with a correction for large units (statsmodels has the one without). From it follows
    how many independent rows would tell as much. Wilson's interval of that many rows, with the
    quantile of Student's t, is the interval (Korn and Graubard 1998, Survey Methodology 24,
    with Wilson's interval in place of Clopper and Pearson's; Dean and Pagano 2015). Where nearly
    all units are right, or wrong, the spread is not known, and every unit counts as one row.

    Args:
        correct: (..., units).
        size: (units,), at least two.
    """
    import numpy as np
    from scipy.stats import t

    rows = size.sum()
    share = correct.sum(axis=-1) / rows
    units = effective_number(size)
    left_out = (correct - size * share[..., None]) / (rows - size)
    variance = (left_out**2).sum(axis=-1) * (size.size - 1) / size.size
    independent = share * (1 - share) / np.maximum(variance, 1e-300)
    independent = np.clip(independent, 1e-3, rows)
    known = np.minimum(effective_number(correct), effective_number(size - correct)) >= FEW
    quantile = t.ppf(0.975, max(units - 1, 1e-3))
    ends = wilson(share, independent, quantile)
    few = interval(share * units, units)
    return Interval(*(np.where(known, end, other) for end, other in zip(ends, few, strict=True)))


def effective_number(size: "NDArray[Any]") -> Any:
    """How many units of like size tell as much as these (Kish 1965); 0 for empty ones."""
    import numpy as np

    weights = np.asarray(size, dtype=float)
    squares = (weights**2).sum(axis=-1)
    return weights.sum(axis=-1) ** 2 / np.maximum(squares, 1e-300)
