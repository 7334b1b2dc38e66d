"""Which differences are more than luck: intervals over seeds and over examples, claims about methods and about checkpoints.

A verdict is whether one student answered one example right. The verdicts of a method are a matrix (seeds, examples): every
seed is a student of its own, and all of them answer the same test set.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]

MIN_SEEDS, ENOUGH_SEEDS = 3, 5
"""Below the first no claim about methods is made; below the second it is marked weak."""


class Interval(NamedTuple):
    """Both ends of a 95 % interval."""

    low: Any
    high: Any


class SeedMean(NamedTuple):
    """Mean over seeds; the other two are None for a single seed."""

    mean: float
    standard_error: float | None
    ci95_seeds: Interval | None


class MethodClaim(NamedTuple):
    """What the seeds say of two methods; each an array of the leading shape of the verdicts.

    `difference` and its interval are shares (0.02 is two points); `cohens_d` is the mean difference of a pair of seeds in
    standard deviations of that difference, nan where all pairs differ alike.
    """

    difference: Array
    ci95_seeds_and_examples: Interval
    p: Array
    cohens_d: Array


class CheckpointClaim(NamedTuple):
    """What the test set says of two given checkpoints: examples that only one of them gets right, and McNemar's exact p."""

    only_first: int
    only_second: int
    p: float


class Detectable(NamedTuple):
    """Smallest differences that a test set shows with the wanted power; None where even the largest would be missed."""

    paired: float | None
    unpaired: float | None


def mean_over_seeds(values: Sequence[float]) -> SeedMean:
    """Mean, standard error, and the t interval for other seeds on the same test set."""
    if len(values) < 2:
        return SeedMean(float(np.mean(values)), None, None)
    error = float(np.std(values, ddof=1)) / len(values) ** 0.5
    return SeedMean(
        float(np.mean(values)), error, _t_interval(float(np.mean(values)), error, len(values) - 1)
    )


def mean_over_examples(verdicts: Array) -> Interval:
    """The t interval of the mean of `verdicts` (seeds, examples) for other examples, with these very checkpoints."""
    per_example = np.asarray(verdicts, dtype=float).mean(axis=0)
    error = per_example.std(ddof=1) / per_example.size**0.5 if per_example.size > 1 else 0.0
    return _t_interval(float(per_example.mean()), float(error), max(per_example.size - 1, 1))


def method_claim(first: Array, second: Array) -> MethodClaim:
    """Is the first method better than the second, for other seeds and other examples of the same kind?

    `first` and `second` are verdicts (..., seeds, examples); row s of both has seed s. The paired t test over seeds, except
    that its variance also holds the part that the examples share over all seeds: one method may suit just these examples,
    and no number of seeds on the same test set would show it. Two-way random effects: Var = (MS_seeds +
    max(MS_examples - MS_residual, 0)) / (seeds x examples) with seeds - 1 degrees of freedom, as for readers and cases in
    Obuchowski and Rockette 1995; never narrower than the paired t test. ValueError below `MIN_SEEDS` seeds.
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
    return MethodClaim(mean, interval, 2 * t.sf(ratio, seeds - 1), cohens_d)


def checkpoint_claim(first: Array, second: Array) -> CheckpointClaim:
    """Does the first checkpoint answer more examples of this kind than the second? McNemar's exact test on (examples,).

    It knows nothing of seeds: between two checkpoints of one method it finds differences too, and rightly so.
    """
    from statsmodels.stats.contingency_tables import mcnemar

    first, second = np.asarray(first, dtype=bool), np.asarray(second, dtype=bool)
    only_first, only_second = int((first & ~second).sum()), int((second & ~first).sum())
    p = mcnemar([[0, only_first], [only_second, 0]], exact=True).pvalue
    return CheckpointClaim(only_first, only_second, min(1.0, float(p)))


def holm(p_values: Sequence[float]) -> list[float]:
    """p-values corrected by Holm for as many comparisons as there are; [] for none."""
    from statsmodels.stats.multitest import multipletests

    return [float(p) for p in multipletests(p_values, method="holm")[1]] if len(p_values) else []


def minimum_detectable(
    examples: int, *, accuracy: float, discordant: float, power: float = 0.8
) -> Detectable:
    """Smallest differences between two checkpoints that a test set of this size shows, at 5 % and two-sided.

    `paired`: both answer the same examples and `discordant` is the share that only one of them gets right (normal
    approximation to McNemar's test, Connor 1987). `unpaired`: each answers examples of its own, one at `accuracy`, the
    other nearer to 50 %. Seeds add to both: between methods a difference has to be larger.
    """
    return Detectable(
        _detectable_paired(examples, discordant, power),
        _detectable_unpaired(examples, accuracy, power),
    )


def smallest_fraction(
    fractions: Sequence[float], differences: Sequence[float], intervals: Sequence[Interval | None]
) -> dict[str, float | None]:
    """The least data with which a method is at least as good as another: `estimate`, `possible` and `certain`.

    `differences` at each of the ascending `fractions` are towards the other method. From `estimate` on the difference is
    not negative; `possible` and `certain` are the same for the upper and the lower end of the interval: the range of
    uncertainty. None: at no fraction tried (or, without intervals, not known).
    """

    def first(values: Sequence[float | None]) -> float | None:
        return next(
            (
                f
                for f, value in zip(fractions, values, strict=True)
                if value is not None and value >= 0
            ),
            None,
        )

    ends = [interval or Interval(None, None) for interval in intervals]
    return {
        "estimate": first(differences),
        "possible": first([e.high for e in ends]),
        "certain": first([e.low for e in ends]),
    }


def _variance_of_mean(difference: Array) -> Array:
    """Of the mean over seeds and examples of (..., seeds, examples), as said at `method_claim`."""
    seeds, examples = difference.shape[-2:]
    mean = difference.mean(axis=(-2, -1), keepdims=True)
    of_seeds, of_examples = (
        difference.mean(axis=-1, keepdims=True),
        difference.mean(axis=-2, keepdims=True),
    )
    # Sums of squares of an analysis of variance; the residual's is what the other two leave.
    ss_seeds = examples * ((of_seeds - mean) ** 2).sum(axis=(-2, -1))
    ss_examples = seeds * ((of_examples - mean) ** 2).sum(axis=(-2, -1))
    ss_residual = ((difference - mean) ** 2).sum(axis=(-2, -1)) - ss_seeds - ss_examples
    ms_seeds = ss_seeds / (seeds - 1)
    shared = (ss_examples - ss_residual / (seeds - 1)) / max(examples - 1, 1)
    return np.asarray((ms_seeds + np.maximum(shared, 0)) / (seeds * examples))


def _t_interval(mean: Any, error: Any, freedom: int) -> Interval:
    from scipy.stats import t

    half = t.ppf(0.975, freedom) * error
    return Interval(mean - half, mean + half)


def _detectable_paired(examples: int, discordant: float, power: float) -> float | None:
    from scipy.optimize import brentq
    from scipy.stats import norm

    def lacking(difference: float) -> float:
        spread = norm.ppf(power) * max(discordant - difference**2, 0.0) ** 0.5
        return float(norm.ppf(0.975) * discordant**0.5 + spread - difference * examples**0.5)

    return float(brentq(lacking, 0.0, discordant)) if lacking(discordant) < 0 else None


def _detectable_unpaired(examples: int, accuracy: float, power: float) -> float | None:
    from statsmodels.stats.power import NormalIndPower

    # The effect is measured as a difference of arcsines (Cohen's h).
    effect = float(NormalIndPower().solve_power(nobs1=examples, alpha=0.05, power=power))
    nearer = max(accuracy, 1 - accuracy)
    angle = 2 * np.arcsin(nearer**0.5) - effect
    return float(nearer - np.sin(angle / 2) ** 2) if angle > 0 else None
