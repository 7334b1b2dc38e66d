"""Fit a law to runs: Huber loss, L-BFGS-B from several starts, intervals by bootstrap.

The procedure of Busbridge et al. 2025, App. F, at a laptop's price: at most 64 starts drawn from their grid instead of all
of it, and 200 bootstrap samples that start from the fit instead of 4096. The threshold of the Huber loss follows the
noise that is found (1.345 of its standard deviations, the usual choice); the paper's 1e-4 suits runs without much noise.
Residuals are drawn, not runs, so that few runs of few sizes keep their design. Needs SciPy.
"""

import itertools
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from dsbs.core.errors import InputError
from dsbs.core.require import require

Array = NDArray[Any]

STARTS, SAMPLES = 64, 200
_POLISHED = 8  # of the starts, the best after a short run
_WARM = 200  # steps of a bootstrap sample, which begins near its end
HUBER, PAPER_DELTA = 1.345, 1e-4
INTERVAL = 0.9  # of the bootstrap samples, as in the paper


class Form(NamedTuple):
    """A law with its coefficients open, in logarithms where nothing overflows.

    `log_loss(theta, x)` gives the logarithm of the loss (rows,) and its derivatives (rows, coefficients). The first columns
    of x are logarithms of sizes; `terms` names for each the places in theta of its (log factor, exponent), so that sizes can
    be centred: a factor at the middle of the data says more than one at size 1.
    """

    names: tuple[str, ...]
    grid: tuple[tuple[float, ...], ...]
    bounds: tuple[tuple[float, float], ...]
    terms: tuple[tuple[int, int], ...]
    log_loss: Callable[[Array, Array], tuple[Array, Array]]


class Interval(NamedTuple):
    """A value between the ends of its 90 % interval; each a float or an array."""

    low: Any
    value: Any
    high: Any


@dataclass(frozen=True)
class Fit:
    """A fitted law: coefficients (log factors at `centre`), bootstrap samples of them, and the spread of the residuals."""

    form: Form
    theta: Array  # (coefficients,)
    samples: Array  # (samples, coefficients)
    centre: Array  # (sizes,)
    noise: float
    rows: int

    def value(self, x: Array) -> Array:
        """The expected loss at each row of x."""
        return np.exp(self.form.log_loss(self.theta, self._centred(x))[0])

    def predict(self, x: Array) -> Interval:
        """The same with the interval of the expectation (not of a single run)."""
        return Interval(*map(np.exp, interval(np.log(self.value(x)), np.log(self.sampled(x)))))

    def sampled(self, x: Array) -> Array:
        """The loss by each bootstrap sample, (samples, rows)."""
        centred = self._centred(x)
        return np.exp([self.form.log_loss(theta, centred)[0] for theta in self.samples])

    def coefficients(self) -> dict[str, Interval]:
        """By name, with intervals. Factors and floors are still logarithms."""
        found = interval(self.uncentred(self.theta), self.uncentred(self.samples))
        bounds = np.array(self.form.bounds)
        bounds[[factor for factor, _ in self.form.terms]] = (
            -np.inf,
            np.inf,
        )  # theirs are for the centre
        found = Interval(*(np.clip(end, *bounds.T) for end in found))
        return {
            name: Interval(*(float(end[at]) for end in found))
            for at, name in enumerate(self.form.names)
        }

    def _centred(self, x: Array) -> Array:
        return np.concatenate(
            [x[:, : len(self.centre)] - self.centre, x[:, len(self.centre) :]], axis=1
        )

    def uncentred(self, theta: Array) -> Array:
        """Coefficients (..., coefficients) with their factors at size 1."""
        moved = np.array(theta)
        for (factor, exponent), centre in zip(self.form.terms, self.centre, strict=True):
            moved[..., factor] += moved[..., exponent] * centre
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
    """The coefficients that fit `loss` (rows,) at `x` (rows, columns) best, with bootstrap samples (none for 0).

    `residual`: differences of logarithms, or of the losses themselves. InputError for fewer rows than coefficients plus two.
    """
    if len(loss) < len(form.names) + 2:
        expected = f"at least {len(form.names) + 2} for {len(form.names)} coefficients"
        raise InputError(
            "fit", got=f"{len(loss)} points", expected=expected, fix="add runs of other sizes"
        )
    rng = np.random.default_rng(seed)
    centre = x[:, : len(form.terms)].mean(axis=0)
    x = np.concatenate([x[:, : len(centre)] - centre, x[:, len(centre) :]], axis=1)
    problem = _Problem(form, x, loss, residual == "log", delta=0.1)
    with _one_thread():
        theta = _best(problem, _starts(form, centre, rng))
        noise = _spread(problem.residuals(theta), len(theta))
        problem = problem.but(delta=delta or max(HUBER * noise, PAPER_DELTA))
        theta = problem.solve(theta)[1]
        draw = problem.drawing(theta, rng)
        found = np.array([draw().solve(theta, steps=_WARM)[1] for _ in range(samples)]).reshape(
            samples, len(theta)
        )
    return Fit(form, theta, found, centre, _spread(problem.residuals(theta), len(theta)), len(loss))


@dataclass(frozen=True)
class _Problem:
    """One Huber problem over centred sizes."""

    form: Form
    x: Array
    loss: Array
    logarithmic: bool
    delta: float

    def but(self, **changes: Any) -> "_Problem":
        return _Problem(**{**vars(self), **changes})

    def value(self, theta: Array) -> tuple[float, Array]:
        """Huber loss over delta, and its gradient."""
        predicted, slopes = self.form.log_loss(theta, self.x)
        if self.logarithmic:
            off = predicted - np.log(self.loss)
        else:
            predicted = np.exp(
                np.minimum(predicted, 50.0)
            )  # a wild start must give a large number, not infinity
            off, slopes = predicted - self.loss, slopes * predicted[:, None]
        size = np.abs(off)
        huber = np.where(size <= self.delta, off * off / (2 * self.delta), size - self.delta / 2)
        return float(huber.sum()), np.clip(off / self.delta, -1, 1) @ slopes

    def residuals(self, theta: Array) -> Array:
        predicted = self.form.log_loss(theta, self.x)[0]
        return np.log(self.loss) - predicted if self.logarithmic else self.loss - np.exp(predicted)

    def solve(self, start: Array, steps: int = 1000) -> tuple[float, Array]:
        from scipy.optimize import minimize

        options = {"maxiter": steps, "maxcor": 20, "ftol": 1e-11, "gtol": 1e-8}
        found = minimize(
            self.value, start, jac=True, method="L-BFGS-B", bounds=self.form.bounds, options=options
        )
        return float(found.fun), np.asarray(found.x)

    def drawing(self, theta: Array, rng: np.random.Generator) -> Callable[[], "_Problem"]:
        """Draws losses around the fit, with its residuals as large as they were before the fit took its share of them.

        That share is the leverage. A few residuals understate how far off chance can be, which Student's t makes up for.
        """
        from scipy.special import stdtrit

        predicted, slopes = self.form.log_loss(theta, self.x)
        slopes = slopes if self.logarithmic else slopes * np.exp(predicted)[:, None]
        leverage = np.einsum("ij,jk,ik->i", slopes, np.linalg.pinv(slopes.T @ slopes), slopes)
        off = self.residuals(theta) / np.sqrt(np.clip(1 - leverage, 0.05, 1))
        tail = (1 + INTERVAL) / 2
        off = (off - off.mean()) * stdtrit(len(off) - len(theta), tail) / stdtrit(np.inf, tail)

        def draw() -> _Problem:
            drawn = rng.choice(off, len(off))
            return self.but(
                loss=np.exp(predicted + drawn) if self.logarithmic else np.exp(predicted) + drawn
            )

        return draw


def _best(problem: _Problem, starts: list[Array]) -> Array:
    """The best end of short runs from every start and full runs from the most promising."""
    short = sorted((problem.solve(start, steps=40) for start in starts), key=lambda found: found[0])
    return min(
        (problem.solve(start) for _, start in short[:_POLISHED]), key=lambda found: found[0]
    )[1]


def _one_thread() -> Any:
    """A context in which linear algebra takes one thread: several wait for one another at every step of so small a problem."""
    require(
        "scipy.optimize", "plan", needed_by="fitting"
    )  # its own BLAS is limited only once loaded
    require("threadpoolctl", "plan", needed_by="fitting")
    from threadpoolctl import threadpool_limits

    return threadpool_limits(1)


def _starts(form: Form, centre: Array, rng: np.random.Generator) -> list[Array]:
    """At most 64 points of the grid, drawn at random, with their factors moved to the centre and into the bounds."""
    grid = list(itertools.product(*form.grid))
    chosen = np.array([grid[at] for at in rng.permutation(len(grid))[:STARTS]])
    for (factor, exponent), middle in zip(form.terms, centre, strict=True):
        chosen[:, factor] -= chosen[:, exponent] * middle
    low, high = np.array(form.bounds).T
    return list(np.clip(chosen, low, high))


def _spread(residuals: Array, used: int) -> float:
    """Their standard deviation, from the median so that outliers do not count, corrected for the coefficients used."""
    return float(
        np.median(np.abs(residuals))
        / 0.6745
        * np.sqrt(len(residuals) / max(len(residuals) - used, 1))
    )


def interval(value: Any, samples: Array) -> Interval:
    """A value with the 90 % interval of its bootstrap samples (samples, ...); they may be infinite.

    Percentiles say how far chance moves a fit, and the same mirrored at the value how far it may have moved this one (Davison
    and Hinkley 1997, sec. 5.2). They differ where samples lean to one side, as they do where a law's term may not be
    negative; the outer ends of both are given.
    """
    tail = (1 - INTERVAL) / 2
    low, high = np.quantile(samples, [tail, 1 - tail], axis=0, method="nearest")
    with np.errstate(invalid="ignore"):
        mirrored = 2 * value - high, 2 * value - low
    known = np.isfinite(mirrored)
    low = np.where(known[0], np.minimum(low, mirrored[0]), low)
    return Interval(low, value, np.where(known[1], np.maximum(high, mirrored[1]), high))
