"""How much a student may answer: a threshold on its score that keeps a promise, with confidence.

Learn then Test (Angelopoulos et al. 2021, arXiv 2110.01052) with exact binomial p-values and a
fixed sequence of thresholds. The risk of a threshold is P(score >= threshold and different), over
all calls. It only rises as the threshold falls. So the calibration scores themselves are the
sequence, from the strictest down, ties taken whole, and the last one that passes is the answer.
"""

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Scores = NDArray[np.float64]
Verdicts = NDArray[np.bool_]

_MOST_ROWS = 10_000_000
"""More calibration rows are not called for: a rate so near to the budget is as good as equal."""


class Threshold(NamedTuple):
    """The most that a student may answer on these rows."""

    score: float | None
    """Scores from here on are answered locally. None: no contract is possible."""
    local: int
    """Rows that are."""
    different: int
    """Those of them that differ."""


class Interval(NamedTuple):
    """Both ends, as shares."""

    low: float
    high: float


def find_threshold(
    scores: Scores, different: Verdicts, *, budget: float, level: float, rows: int | None = None
) -> Threshold:
    """The lowest threshold that keeps the budget, with probability 1 - level over the rows.

    Args:
        scores: (rows,), from rows that nothing was trained, selected or tuned on.
        different: (rows,), whether an answer to the row would be wrong.
        budget: Largest share of all rows that may be answered and differ.
        level: Probability that a threshold is returned that breaks the budget.
        rows: All rows, with those that no threshold answers. Default: as many as there are scores.
    """
    allowed = most_different(len(scores) if rows is None else rows, budget, level)
    if allowed < 0:
        return Threshold(None, 0, 0)
    order = np.argsort(-scores, kind="stable")
    ordered = scores[order]
    seen = np.cumsum(different[order])
    last_of_tie = np.append(ordered[1:] != ordered[:-1], True)
    passing = np.flatnonzero(last_of_tie & (seen <= allowed))
    if not passing.size:
        return Threshold(None, 0, 0)
    last = int(passing[-1])
    return Threshold(float(ordered[last]), last + 1, int(seen[last]))


def most_different(rows: int, budget: float, level: float) -> int:
    """The most rows that may differ among so many while the budget is kept; -1: not even 0."""
    from scipy.stats import binom  # not above: --help shall not wait for it

    if rows == 0:
        return -1
    found = int(binom.ppf(level, rows, budget))
    # ppf gives the first count whose tail is at least the level; rounding may put it one off.
    while found >= 0 and binom.cdf(found, rows, budget) > level:
        found -= 1
    return found


def upper_limit(different: int, rows: int, level: float) -> float:
    """Clopper and Pearson's one-sided upper limit of a share (1934)."""
    from scipy.stats import beta

    if different >= rows:
        return 1.0
    return float(beta.ppf(1 - level, different + 1, rows - different))


def two_sided(count: int, rows: int, level: float) -> Interval:
    """Clopper and Pearson's interval of a share."""
    from scipy.stats import beta

    low = float(beta.ppf(level / 2, count, rows - count + 1)) if count else 0.0
    return Interval(low, upper_limit(count, rows, level / 2))


def rows_needed(rate: float, *, budget: float, level: float) -> int | None:
    """How many rows a threshold needs that is answered and differs at this rate.

    None where the rate is not below the budget, so that no number would do.
    """
    if rate >= budget:
        return None
    low = fewest_rows(budget, level)
    high = low
    while not _passes(high, rate, budget, level):
        low = high
        high *= 2
        if high > _MOST_ROWS:
            return None
    while high - low > 1:
        middle = (low + high) // 2
        passes = _passes(middle, rate, budget, level)
        low = low if passes else middle
        high = middle if passes else high
    return high


def fewest_rows(budget: float, level: float) -> int:
    """Rows that a contract needs where none of them differs: 149 at 2 % with 95 % confidence."""
    return math.ceil(math.log(level) / math.log1p(-budget))


def threshold_for_share(scores: Scores, different: Verdicts, share: float) -> Threshold:
    """The threshold that answers at least this share of the rows, whatever it promises."""
    order = np.argsort(-scores, kind="stable")
    last = max(0, math.ceil(share * len(scores)) - 1)
    score = float(scores[order[last]])
    local = scores >= score
    return Threshold(score, int(local.sum()), int((local & different).sum()))


def _passes(rows: int, rate: float, budget: float, level: float) -> bool:
    return math.ceil(rate * rows) <= most_different(rows, budget, level)
