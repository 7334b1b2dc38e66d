"""Which differences the data show: intervals and tests over seeds and over examples.

A verdict says whether one student answered one example correctly. The verdicts of a method are a
matrix `(seeds, examples)`: every seed is a student of its own, and all students answer the same
test set. docs/comparison.md explains each method and what simulations say of it.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from dsbs.comparison.variance import variance
from dsbs.metrics.intervals import FEW, effective_number

Array = NDArray[Any]

MIN_SEEDS = 3
"""With fewer seeds no claim about methods is made."""
ENOUGH_SEEDS = 5
"""With fewer seeds a claim about methods is marked weak."""


class Interval(NamedTuple):
    """Both ends of a 95 % interval: numbers, or arrays of one shape."""

    low: Any
    high: Any


class SeedMean(NamedTuple):
    """Mean over seeds. The others are None for a single seed, and where all seeds have one value:
    their spread is then unknown, and not 0.
    """

    mean: float
    standard_error: float | None
    ci95_seeds: Interval | None


class MethodTest(NamedTuple):
    """How two methods differ over seeds; each an array of the leading shape of the verdicts."""

    difference: Array
    """Mean accuracy of the first less that of the second: 0.02 is two points."""
    ci95_seeds_and_examples: Interval
    p: Array
    cohens_d: Array
    """The difference in standard deviations of the seeds' differences; not finite without any."""


class CheckpointTest(NamedTuple):
    """How two checkpoints differ on a test set."""

    only_first: int
    """Examples that only the first answers correctly."""
    only_second: int
    p: float
    """Of McNemar's exact test."""


class SmallestFraction(NamedTuple):
    """The fraction from which on a method is as good as another; None if there is none."""

    estimate: float | None
    """By the difference itself."""
    possible: float | None
    """By the upper end of its interval."""
    certain: float | None
    """By the lower end of its interval."""


def mean_over_seeds(values: Sequence[float]) -> SeedMean:
    """Mean, standard error, and the t interval for other seeds on the same test set."""
    mean = float(np.mean(values))
    if np.ptp(values) == 0:
        return SeedMean(mean, None, None)
    from scipy.stats import sem

    error = float(sem(values))
    return SeedMean(mean, error, _t_interval(mean, error, len(values) - 1))


def method_test(
    first: Array, second: Array, groups: Array | None = None, *, level: float = 0.95
) -> MethodTest:
    """Whether the first method is better, for other seeds and other examples of the same kind.

    This is the paired t test over seeds with a larger variance. The paired t test forgets that all
    seeds answer the same examples: if these examples happen to suit one method, every seed shows
    it, and no number of seeds corrects it. So the variance also holds the part that examples share
    over all seeds. In a two-way random-effects analysis of variance it is

        Var = (MS_seeds + max(MS_examples - MS_residual, 0)) / (seeds x examples)

    with seeds - 1 degrees of freedom, as Obuchowski and Rockette (1995) use it for readers and
    cases. The interval is never narrower than that of the paired t test. Of examples that share a
    group, the sum is what varies independently: it takes the place of the example. What groups
    share is then most of the variance, which seeds - 1 degrees of freedom would overstate by far;
    they are those of Hillis (2007, Statistics in Medicine 26), at most groups - 1.

    Where hardly a verdict differs, the variance seen is 0 or by luck nearly so. It is never taken
    below 2 / (examples + 2)^2, that of two more examples on which the methods differ (Bonett and
    Price 2012, Journal of Educational and Behavioral Statistics 37).

    Args:
        first: Verdicts `(..., seeds, examples)` of the first method.
        second: Verdicts of the second method; row s of both was trained with the same seed.
        groups: (examples,) the number of each example's group, from 0 on. None: no two share one.
        level: Of the interval; above 0.95 where several are looked at together.

    Raises:
        ValueError: There are fewer than `MIN_SEEDS` seeds, or all examples share one group.
    """
    from scipy.stats import t

    difference = np.asarray(first, dtype=float) - np.asarray(second, dtype=float)
    seeds = difference.shape[-2]
    if seeds < MIN_SEEDS:
        raise ValueError(f"{seeds} seeds; a claim about methods needs {MIN_SEEDS}")
    mean = difference.mean(axis=(-2, -1))
    size = np.ones(difference.shape[-1]) if groups is None else np.bincount(groups).astype(float)
    if size.size < 2 and groups is not None:
        raise ValueError("all examples share one group")
    deviation = group_sums(difference - mean[..., None, None], groups)
    units = effective_number(size)
    # Sums are put on the scale of means, so that groups of one example change nothing.
    found = variance(deviation * (size.size / size.sum()))
    differing = group_sums((difference != 0).sum(axis=-2).astype(float), groups)
    # Where verdicts differ in a few groups only, each group is no more than one example.
    counted = np.where(effective_number(differing) < FEW, units, size.sum())
    spread = np.maximum(found.of_mean, 2 / (counted + 2) ** 2)
    freedom = seeds - 1 if groups is None else np.minimum(found.freedom, units - 1)
    ratio = np.abs(mean) / np.sqrt(spread)
    with np.errstate(divide="ignore", invalid="ignore"):
        cohens_d = mean / difference.mean(axis=-1).std(axis=-1, ddof=1)
    interval = _t_interval(mean, np.sqrt(spread), freedom, level)
    return MethodTest(mean, interval, 2 * t.sf(ratio, freedom), cohens_d)


def group_sums(values: Array, groups: Array | None) -> Array:
    """Sums `(..., groups)` over the examples of each group; the values themselves without any."""
    if groups is None:
        return values
    order = np.argsort(groups, kind="stable")
    starts = np.flatnonzero(np.diff(groups[order], prepend=-1))
    return np.add.reduceat(values[..., order], starts, axis=-1)


def checkpoint_test(first: Array, second: Array, groups: Array | None = None) -> CheckpointTest:
    """Whether the first checkpoint answers more examples of this kind: McNemar's exact test.

    Both arguments are verdicts `(examples,)`. The test knows nothing of seeds: it also finds
    differences between two checkpoints of one method, and they are real. Where examples share
    groups, it is the test of Durkalski et al. (2003, Statistics in Medicine 22), whose statistic is
    compared with Student's t of groups - 1 degrees of freedom.
    """
    first = np.asarray(first, dtype=bool)
    second = np.asarray(second, dtype=bool)
    only_first = int((first & ~second).sum())
    only_second = int((second & ~first).sum())
    if groups is None:
        from statsmodels.stats.contingency_tables import mcnemar

        p = float(mcnemar([[0, only_first], [only_second, 0]], exact=True).pvalue)
    else:
        p = _clustered_mcnemar(group_sums(first.astype(float) - second, groups))
    return CheckpointTest(only_first, only_second, min(1.0, p))


def holm(p_values: Sequence[float]) -> list[float]:
    """p-values corrected by Holm's method for their number; [] for none."""
    from statsmodels.stats.multitest import multipletests

    return [float(p) for p in multipletests(p_values, method="holm")[1]] if len(p_values) else []


def smallest_fraction(
    fractions: Sequence[float],
    differences: Sequence[float],
    intervals: Sequence[Interval | None],
    *,
    learned: Sequence[bool],
    margin: float = 0.0,
) -> SmallestFraction:
    """The fraction from which on a method is at least as good as another.

    It counts only if the method is that good at every larger fraction that was tried as well: a
    crossing that is undone later is none.

    Args:
        fractions: Shares of the data that were tried, ascending.
        differences: At each fraction, the method less the other.
        intervals: Of each difference; None where there is none.
        learned: At each fraction, whether the students learned: if not, they are as good as nobody.
        margin: How far below the other counts as being as good.
    """
    ends = [interval or Interval(None, None) for interval in intervals]

    def first(values: Sequence[float | None]) -> float | None:
        good = [
            known and value is not None and value >= -margin
            for known, value in zip(learned, values, strict=True)
        ]
        last_bad = max((at for at, one in enumerate(good) if not one), default=-1)
        return fractions[last_bad + 1] if last_bad + 1 < len(good) else None

    return SmallestFraction(
        first(differences), first([end.high for end in ends]), first([end.low for end in ends])
    )


def _clustered_mcnemar(sums: Array) -> float:
    """p of the sums of differences `(groups,)`."""
    from scipy.stats import t

    spread = float((sums**2).sum()) ** 0.5
    if spread == 0:
        return 1.0
    return 2 * float(t.sf(abs(sums.sum()) / spread, max(sums.size - 1, 1)))


def _t_interval(mean: Any, error: Any, freedom: Any, level: float = 0.95) -> Interval:
    """Not scipy's t.interval, which is nan for an error of 0."""
    from scipy.stats import t

    half = t.ppf((1 + level) / 2, freedom) * error
    return Interval(mean - half, mean + half)
