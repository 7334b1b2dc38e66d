"""Fit a law to runs: Huber loss, L-BFGS-B from several starts, intervals by bootstrap. Needs SciPy.

The procedure of Busbridge et al. 2025, App. F, at the price of a laptop: at most 64 starts drawn
from their grid instead of all of it, and 200 bootstrap samples that start from the fit instead of
4096. The threshold of the Huber loss follows the noise: 1.345 of its standard deviations, the usual
choice. The paper's 1e-4 suits runs without much noise. Residuals are drawn, not runs, so that few
runs of few sizes keep their design.
"""

import itertools
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from dsbs.core.errors import InputError
from dsbs.core.require import require
from dsbs.scaling.forms import Form
from dsbs.scaling.huber import HuberProblem

Array = NDArray[Any]

STARTS = 64
SAMPLES = 200
INTERVAL = 0.9  # of the bootstrap samples, as in the paper
_CONTINUED = 8  # starts that are solved to the end: the best after a short run
_WARM_STEPS = 200  # of a bootstrap sample, which begins near its end
_HUBER = 1.345  # standard deviations of the noise, for the threshold of the Huber loss
_PAPER_DELTA = 1e-4
_AT_BOUND = 1e-6  # of the range between a coefficient's bounds
_MAD_OF_NORMAL = 0.6745  # the median absolute deviation of a standard normal distribution


class Interval(NamedTuple):
    """A value between the ends of its 90 % interval; each is a float or an array."""

    low: Any
    value: Any
    high: Any


@dataclass(frozen=True)
class Fit:
    """A fitted law."""

    form: Form
    theta: Array
    """The coefficients, with log factors at `center`, (coefficients,)."""
    samples: Array
    """The coefficients of each bootstrap sample, (samples, coefficients)."""
    center: Array
    """The mean logarithm of each size, (sizes,)."""
    noise: float
    """The standard deviation of the residuals."""
    rows: int

    def value(self, x: Array) -> Array:
        """The expected loss at each row of x (rows, columns)."""
        return np.exp(self.form.log_loss(self.theta, _centered(x, self.center))[0])

    def sampled(self, x: Array) -> Array:
        """The expected loss by each bootstrap sample, (samples, rows)."""
        centered = _centered(x, self.center)
        return np.exp([self.form.log_loss(theta, centered)[0] for theta in self.samples])

    def predict(self, x: Array) -> Interval:
        """The expected loss with the interval of the expectation, not that of a single run."""
        return Interval(*map(np.exp, interval(np.log(self.value(x)), np.log(self.sampled(x)))))

    def coefficients(self) -> dict[str, Interval]:
        """Each coefficient with its interval, by name. Factors and floors are still logarithms."""
        found = interval(self.uncentered(self.theta), self.uncentered(self.samples))
        bounds = np.array(self.form.bounds)
        factors = [factor for factor, _ in self.form.terms]
        bounds[factors] = (-np.inf, np.inf)  # their bounds hold at the center
        low, value, high = (np.clip(end, *bounds.T) for end in found)
        return {
            name: Interval(float(low[at]), float(value[at]), float(high[at]))
            for at, name in enumerate(self.form.names)
        }

    def at_bounds(self) -> dict[str, Interval]:
        """The coefficients that a bound stops, each between the ends of all that it may be.

        Without the bound the fit would go on beyond it. So the runs do not determine such a
        coefficient, and its samples crowd at the bound.
        """
        found = {}
        for at, (low, high) in enumerate(self.form.bounds):
            if min(self.theta[at] - low, high - self.theta[at]) <= _AT_BOUND * (high - low):
                ends = (self._with(at, low), self.uncentered(self.theta), self._with(at, high))
                found[self.form.names[at]] = Interval(*(float(end[at]) for end in ends))
        return found

    def _with(self, at: int, value: float) -> Array:
        """The coefficients at size 1, with another value in one place."""
        theta = np.array(self.theta)
        theta[at] = value
        return self.uncentered(theta)

    def uncentered(self, theta: Array) -> Array:
        """Coefficients (..., coefficients) with their log factors at size 1."""
        moved = np.array(theta)
        for (factor, exponent), center in zip(self.form.terms, self.center, strict=True):
            moved[..., factor] += moved[..., exponent] * center
        return moved


def fit(
    form: Form,
    x: Array,
    loss: Array,
    *,
    residual: Literal["log", "plain"] = "log",
    delta: float | None = None,
    samples: int = SAMPLES,
    seed: int = 0,
) -> Fit:
    """The coefficients that fit the losses best, with bootstrap samples.

    Args:
        form: The law.
        x: Inputs of the law, (rows, columns).
        loss: Measured losses, (rows,).
        residual: Compare logarithms of losses, or the losses themselves.
        delta: Threshold of the Huber loss. Default: 1.345 standard deviations of the noise.
        samples: Bootstrap samples; 0 for none.
        seed: Seed of the starts and the bootstrap.

    Raises:
        InputError: for fewer rows than coefficients plus two.
    """
    needed = len(form.names) + 2
    if len(loss) < needed:
        expected = f"at least {needed} for {len(form.names)} coefficients"
        fix = "add runs of other sizes"
        raise InputError("fit", got=f"{len(loss)} points", expected=expected, fix=fix)
    rng = np.random.default_rng(seed)
    center = x[:, : len(form.terms)].mean(axis=0)
    problem = HuberProblem(form, _centered(x, center), loss, residual == "log", delta=0.1)
    with _one_thread():
        theta = _best(problem, _starts(form, center, rng))
        noise = _spread(problem.residuals(theta), len(theta))
        problem = replace(problem, delta=delta or max(_HUBER * noise, _PAPER_DELTA))
        theta = problem.solve(theta)[1]
        draw = problem.resampler(theta, rng, INTERVAL)
        drawn = [draw().solve(theta, steps=_WARM_STEPS)[1] for _ in range(samples)]
    noise = _spread(problem.residuals(theta), len(theta))
    return Fit(form, theta, np.array(drawn).reshape(samples, len(theta)), center, noise, len(loss))


def interval(value: Any, samples: Array) -> Interval:
    """A value with the 90 % interval of bootstrap samples (samples, ...), which may be infinite.

    Percentiles show how far chance moves a fit. Percentiles mirrored at the value show how far
    chance may have moved this fit (Davison and Hinkley 1997, sec. 5.2). They differ where samples
    lean to one side, for instance where a law's term may not be negative. The outer ends of both
    are taken.
    """
    tail = (1 - INTERVAL) / 2
    low, high = np.quantile(samples, [tail, 1 - tail], axis=0, method="nearest")
    with np.errstate(invalid="ignore"):
        mirrored_low = 2 * value - high
        mirrored_high = 2 * value - low
    outer_low = np.where(np.isfinite(mirrored_low), np.minimum(low, mirrored_low), low)
    outer_high = np.where(np.isfinite(mirrored_high), np.maximum(high, mirrored_high), high)
    return Interval(outer_low, value, outer_high)


def _centered(x: Array, center: Array) -> Array:
    """x (rows, columns) with `center` taken from its first columns, the logarithms of sizes."""
    sizes = len(center)
    return np.concatenate([x[:, :sizes] - center, x[:, sizes:]], axis=1)


def _best(problem: HuberProblem, starts: list[Array]) -> Array:
    """The best coefficients: short runs from every start, full runs from the best of them."""

    def huber_loss(found: tuple[float, Array]) -> float:
        return found[0]

    short = sorted((problem.solve(start, steps=40) for start in starts), key=huber_loss)
    full = (problem.solve(start) for _, start in short[:_CONTINUED])
    return min(full, key=huber_loss)[1]


def _one_thread() -> AbstractContextManager[Any]:
    """A context in which linear algebra uses one thread.

    The problem is so small that several threads would wait for one another at every step.
    """
    # SciPy brings a BLAS of its own, which must be loaded before threads are limited.
    require("scipy.optimize", "plan", needed_by="fitting")
    threadpoolctl = require("threadpoolctl", "plan", needed_by="fitting")
    limits: AbstractContextManager[Any] = threadpoolctl.threadpool_limits(1)
    return limits


def _starts(form: Form, center: Array, rng: np.random.Generator) -> list[Array]:
    """At most 64 random points of the grid, with factors moved to the center, inside the bounds."""
    grid = list(itertools.product(*form.grid))
    chosen = np.array([grid[at] for at in rng.permutation(len(grid))[:STARTS]])
    for (factor, exponent), middle in zip(form.terms, center, strict=True):
        chosen[:, factor] -= chosen[:, exponent] * middle
    low, high = np.array(form.bounds).T
    return list(np.clip(chosen, low, high))


def _spread(residuals: Array, coefficients: int) -> float:
    """The standard deviation of residuals around 0, corrected for the fitted coefficients.

    It is taken from the median, so that outliers do not count.
    """
    deviation = np.median(np.abs(residuals)) / _MAD_OF_NORMAL
    free = max(len(residuals) - coefficients, 1)
    return float(deviation * np.sqrt(len(residuals) / free))
