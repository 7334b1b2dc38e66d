"""Which differences are more than luck: intervals and tests over seeds and over examples.

A verdict says whether one student answered one example correctly. The verdicts of a method are a
matrix `(seeds, examples)`: every seed is a student of its own, and all students answer the same
test set. docs/comparison.md explains each method and what simulations say of it.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

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
    """Mean over seeds; the other two are None for a single seed."""

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


class SmallestDifferences(NamedTuple):
    """The smallest differences that a test set shows; None if even the largest would be missed."""

    paired: float | None
    """Both checkpoints answer the same examples."""
    unpaired: float | None
    """Each answers examples of its own."""


class SmallestFraction(NamedTuple):
    """The least data with which a method is as good as another; None if no fraction is enough."""

    estimate: float | None
    """By the difference itself."""
    possible: float | None
    """By the upper end of its interval."""
    certain: float | None
    """By the lower end of its interval."""


def mean_over_seeds(values: Sequence[float]) -> SeedMean:
    """Mean, standard error, and the t interval for other seeds on the same test set."""
    mean = float(np.mean(values))
    if len(values) < 2:
        return SeedMean(mean, None, None)
    from scipy.stats import sem

    error = float(sem(values))
    return SeedMean(mean, error, _t_interval(mean, error, len(values) - 1))


def mean_over_examples(verdicts: Array) -> Interval:
    """The t interval of the mean of verdicts `(seeds, examples)`.

    It is for other examples, answered by these same checkpoints.
    """
    per_example = np.asarray(verdicts, dtype=float).mean(axis=0)
    error = per_example.std(ddof=1) / per_example.size**0.5 if per_example.size > 1 else 0.0
    return _t_interval(float(per_example.mean()), float(error), max(per_example.size - 1, 1))


def method_test(first: Array, second: Array) -> MethodTest:
    """Whether the first method is better, for other seeds and other examples of the same kind.

    This is the paired t test over seeds with a larger variance. The paired t test forgets that all
    seeds answer the same examples: if these examples happen to suit one method, every seed shows
    it, and no number of seeds corrects it. So the variance also holds the part that examples share
    over all seeds. In a two-way random-effects analysis of variance it is

        Var = (MS_seeds + max(MS_examples - MS_residual, 0)) / (seeds x examples)

    with seeds - 1 degrees of freedom, as Obuchowski and Rockette (1995) use it for readers and
    cases. The interval is never narrower than that of the paired t test.

    Args:
        first: Verdicts `(..., seeds, examples)` of the first method.
        second: Verdicts of the second method; row s of both was trained with the same seed.

    Raises:
        ValueError: There are fewer than `MIN_SEEDS` seeds.
    """
    from scipy.stats import t

    difference = np.asarray(first, dtype=float) - np.asarray(second, dtype=float)
    seeds = difference.shape[-2]
    if seeds < MIN_SEEDS:
        raise ValueError(f"{seeds} seeds; a claim about methods needs {MIN_SEEDS}")
    mean = difference.mean(axis=(-2, -1))
    variance = _variance_of_mean(difference)
    with np.errstate(divide="ignore", invalid="ignore"):
        # Without any variance a difference is certain, and no difference is no evidence.
        ratio = np.where(mean == 0, 0.0, np.abs(mean) / np.sqrt(variance))
        cohens_d = mean / difference.mean(axis=-1).std(axis=-1, ddof=1)
    interval = _t_interval(mean, np.sqrt(variance), seeds - 1)
    return MethodTest(mean, interval, 2 * t.sf(ratio, seeds - 1), cohens_d)


def checkpoint_test(first: Array, second: Array) -> CheckpointTest:
    """Whether the first checkpoint answers more examples of this kind: McNemar's exact test.

    Both arguments are verdicts `(examples,)`. The test knows nothing of seeds: it also finds
    differences between two checkpoints of one method, and they are real.
    """
    from statsmodels.stats.contingency_tables import mcnemar

    first = np.asarray(first, dtype=bool)
    second = np.asarray(second, dtype=bool)
    only_first = int((first & ~second).sum())
    only_second = int((second & ~first).sum())
    p = mcnemar([[0, only_first], [only_second, 0]], exact=True).pvalue
    return CheckpointTest(only_first, only_second, min(1.0, float(p)))


def holm(p_values: Sequence[float]) -> list[float]:
    """p-values corrected by Holm's method for their number; [] for none."""
    from statsmodels.stats.multitest import multipletests

    return [float(p) for p in multipletests(p_values, method="holm")[1]] if len(p_values) else []


def smallest_differences(
    examples: int, *, accuracy: float, discordant: float, power: float = 0.8
) -> SmallestDifferences:
    """The smallest differences between two checkpoints that a test set of this size shows.

    Tests are two-sided at 5 %. Between methods a difference has to be larger, since seeds differ.

    Args:
        examples: Size of the test set.
        accuracy: Accuracy of one checkpoint; in the unpaired case the other is nearer to 50 %.
        discordant: Share of examples that only one of two checkpoints answers correctly. The paired
            case is the normal approximation to McNemar's test (Connor 1987).
        power: Probability with which the difference is to be found.
    """
    return SmallestDifferences(
        _smallest_paired(examples, discordant, power),
        _smallest_unpaired(examples, accuracy, power),
    )


def smallest_fraction(
    fractions: Sequence[float], differences: Sequence[float], intervals: Sequence[Interval | None]
) -> SmallestFraction:
    """The least data with which a method is at least as good as another.

    Args:
        fractions: Shares of the data that were tried, ascending.
        differences: At each fraction, the method less the other.
        intervals: Of each difference; None where there are too few seeds.
    """
    ends = [interval or Interval(None, None) for interval in intervals]
    return SmallestFraction(
        _first_not_negative(fractions, differences),
        _first_not_negative(fractions, [end.high for end in ends]),
        _first_not_negative(fractions, [end.low for end in ends]),
    )


def _first_not_negative(fractions: Sequence[float], values: Sequence[float | None]) -> float | None:
    pairs = zip(fractions, values, strict=True)
    return next((fraction for fraction, v in pairs if v is not None and v >= 0), None)


def _variance_of_mean(difference: Array) -> Array:
    """Variance of the mean of `(..., seeds, examples)`; the formula is that of `method_test`."""
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
    return np.asarray((ms_seeds + np.maximum(shared, 0)) / (seeds * examples))


def _t_interval(mean: Any, error: Any, freedom: int) -> Interval:
    """Not scipy's t.interval, which is nan for an error of 0."""
    from scipy.stats import t

    half = t.ppf(0.975, freedom) * error
    return Interval(mean - half, mean + half)


def _smallest_paired(examples: int, discordant: float, power: float) -> float | None:
    from scipy.optimize import brentq
    from scipy.stats import norm

    def lacking(difference: float) -> float:
        spread = norm.ppf(power) * max(discordant - difference**2, 0.0) ** 0.5
        return float(norm.ppf(0.975) * discordant**0.5 + spread - difference * examples**0.5)

    return float(brentq(lacking, 0.0, discordant)) if lacking(discordant) < 0 else None


def _smallest_unpaired(examples: int, accuracy: float, power: float) -> float | None:
    from statsmodels.stats.power import NormalIndPower

    # The effect is measured as a difference of arcsines (Cohen's h).
    effect = float(NormalIndPower().solve_power(nobs1=examples, alpha=0.05, power=power))
    nearer = max(accuracy, 1 - accuracy)
    angle = 2 * np.arcsin(nearer**0.5) - effect
    return float(nearer - np.sin(angle / 2) ** 2) if angle > 0 else None
