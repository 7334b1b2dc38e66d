"""The parts of a variance over seeds and examples, and what more of each would bring."""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]

_MOST_SEEDS = 1000
_MOST_ROWS = 10_000_000
"""Beyond these, nobody is asked to get more."""


class Variance(NamedTuple):
    """The variance of a mean over seeds and examples, by the analysis of variance of
    `statistics.method_test`.
    """

    of_mean: Array
    freedom: Array
    """Its degrees of freedom by Hillis (2007)."""
    seed: Array
    """Of a seed's mean over endless examples."""
    example: Array
    """Of an example's mean over endless seeds."""
    residual: Array
    """What is left of a single difference."""


class Needed(NamedTuple):
    """What would make an interval narrow enough; None where more of it alone never does."""

    rows: int | None
    """Test rows, with the same seeds."""
    seeds: int | None
    """Seeds, with the same test rows."""
    together: bool = False
    """Whether so many of both are needed, because more of one alone never suffices."""


def variance(difference: Array) -> Variance:
    """The parts of the variance of `(..., seeds, examples)`."""
    seeds, examples = difference.shape[-2:]
    mean = difference.mean(axis=(-2, -1), keepdims=True)
    of_seeds = difference.mean(axis=-1, keepdims=True)
    of_examples = difference.mean(axis=-2, keepdims=True)
    # Sums of squares of an analysis of variance; the residual's is what the other two leave.
    ss_seeds = examples * ((of_seeds - mean) ** 2).sum(axis=(-2, -1))
    ss_examples = seeds * ((of_examples - mean) ** 2).sum(axis=(-2, -1))
    ss_residual = ((difference - mean) ** 2).sum(axis=(-2, -1)) - ss_seeds - ss_examples
    ms_seeds = ss_seeds / (seeds - 1)
    shared = (ss_examples - ss_residual / (seeds - 1)) / max(examples - 1, 1)
    residual = ss_residual / (seeds - 1) / max(examples - 1, 1)
    total = np.asarray(ms_seeds + np.maximum(shared, 0))
    # Without any variance among seeds there is no limit, and the caller's own holds.
    freedom = (seeds - 1) * (total / np.maximum(ms_seeds, 1e-150)) ** 2
    return Variance(
        of_mean=total / (seeds * examples),
        freedom=np.maximum(freedom, seeds - 1),
        seed=np.maximum(ms_seeds - residual, 0) / examples,
        example=np.maximum(shared, 0) / seeds,
        residual=np.maximum(residual, 0),
    )


def needed(difference: Array, half_width: float, level: float) -> Needed:
    """How many rows, or how many seeds, would give an interval of this half width.

    Args:
        difference: Differences of verdicts (seeds, examples) so far.
        half_width: Wanted, above 0.
        level: Of the interval: 0.95.
    """
    found = variance(difference)
    seeds, rows = difference.shape
    counts = np.arange(seeds + 1, _MOST_SEEDS)
    enough = counts[_half_widths(found, counts, rows, level) <= half_width]
    alone = Needed(
        rows=_rows(found, seeds, half_width, level),
        seeds=int(enough[0]) if enough.size else None,
    )
    if alone.rows is not None or alone.seeds is not None:
        return alone
    # Seeds that leave half of the variance that is allowed to the rows.
    for count in counts[found.seed / counts <= (half_width / _quantile(counts, level)) ** 2 / 2]:
        return Needed(_rows(found, int(count), half_width, level), int(count), together=True)
    return alone


def _rows(found: Variance, seeds: int, half_width: float, level: float) -> int | None:
    """What is left for examples, after what seeds take of the variance that is allowed."""
    allowed = (half_width / _quantile(seeds, level)) ** 2 - float(found.seed) / seeds
    if allowed <= 0:
        return None
    # As `method_test` never takes the variance below 2 / (examples + 2)^2.
    least = _quantile(seeds, level) * 2**0.5 / half_width - 2
    count = max(float(found.example + found.residual / seeds) / allowed, least)
    return int(np.ceil(count)) if count < _MOST_ROWS else None


def _half_widths(found: Variance, seeds: Array, rows: int, level: float) -> Array:
    """That of the interval for each of these numbers of seeds (counts,)."""
    of_mean = found.seed / seeds + found.example / rows + found.residual / (seeds * rows)
    widths: Array = _quantile(seeds, level) * np.sqrt(of_mean)
    return widths


def _quantile(seeds: Any, level: float) -> Any:
    from scipy.stats import t

    return t.ppf((1 + level) / 2, seeds - 1)
