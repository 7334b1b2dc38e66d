"""Learning curves of comparisons: a power law with a floor over rows, and how far to trust it.

The teacher is the same for all cells of a comparison, so its loss is a constant in the distillation
law. What is left of that law over size and data is the supervised form. Errors stand in for losses;
docs/planner.md explains what that costs.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from dsbs.core.errors import InputError
from dsbs.scaling.fitting import SAMPLES, Fit, Interval, fit, interval
from dsbs.scaling.forms import CURVE

Array = NDArray[Any]

MIN_FRACTIONS = 4
_FARTHEST = 4.0  # times the largest number of rows: the most that is ever forecast
_TRUSTED_MISS = 0.05  # accuracy by which the forecast of a held-out fraction may be off


@dataclass(frozen=True)
class Curve:
    """The measured cells of one student, method and label source."""

    student: str
    method: str
    labels: str
    params: float | None
    """Without embeddings; None where unknown."""
    rows: Array
    """Training rows, (cells,)."""
    accuracy: Array
    """(cells,)."""
    full_rows: float
    """All training rows there are."""

    @property
    def name(self) -> str:
        """The curve's name in tables and figures."""
        return f"{self.student.rstrip('/').rsplit('/', 1)[-1]}, {self.method}, {self.labels} labels"

    @property
    def sizes(self) -> Array:
        """The numbers of rows that were tried, in order."""
        return np.unique(self.rows)

    @property
    def limit(self) -> float:
        """The most rows that are forecast: half the tried span beyond the largest (logarithmic)."""
        low, high = self.sizes[[0, -1]]
        return float(high * min(_FARTHEST, np.sqrt(high / low)))

    def mean(self, rows: float) -> float:
        """The mean accuracy over seeds at this number of rows."""
        return float(self.accuracy[self.rows == rows].mean())

    def without(self, sizes: Iterable[float]) -> "Curve":
        """The curve without the cells of these numbers of rows."""
        kept = ~np.isin(self.rows, list(sizes))
        return replace(self, rows=self.rows[kept], accuracy=self.accuracy[kept])


class Backtest(NamedTuple):
    """The accuracy at the largest number of rows, forecast from the smaller ones and measured."""

    rows: float
    predicted: float
    measured: float

    @property
    def trusted(self) -> bool:
        """Whether the forecast came near enough."""
        return abs(self.predicted - self.measured) <= _TRUSTED_MISS


def fit_curve(curve: Curve, *, seed: int = 0, samples: int = SAMPLES) -> Fit:
    """error = floor + B / rows^beta.

    Raises:
        InputError: for fewer than four numbers of rows, or fewer than five cells.
    """
    if len(curve.sizes) < MIN_FRACTIONS:
        got = f"{len(curve.sizes)} fractions"
        expected = f"{MIN_FRACTIONS} or more, to see a curve bend"
        fix = "compare with more --data-fracs"
        raise InputError(f"RUNS: {curve.name}", got=got, expected=expected, fix=fix)
    x = np.log(curve.rows)[:, None]
    return fit(CURVE, x, 1 - curve.accuracy, residual="plain", seed=seed, samples=samples)


def accuracy_at(fitted: Fit, rows: Array) -> Interval:
    """The expected accuracy at these numbers of rows (points,), with intervals."""
    low, value, high = fitted.predict(np.log(rows)[:, None])
    return Interval(np.maximum(1 - high, 0.0), 1 - value, 1 - low)


def rows_for(fitted: Fit, accuracy: float) -> Interval:
    """The rows at which this accuracy is expected; infinite where the floor forbids it."""

    def log_rows(theta: Array) -> Array:
        floor, factor, beta = np.moveaxis(fitted.uncentered(theta), -1, 0)
        above = 1 - accuracy - np.exp(floor)
        return np.where(above > 0, (factor - np.log(np.maximum(above, 1e-300))) / beta, np.inf)

    ends = interval(log_rows(fitted.theta), log_rows(fitted.samples))
    with np.errstate(over="ignore"):
        return Interval(*(float(np.exp(end)) for end in ends))


def backtest(curve: Curve) -> Backtest | None:
    """How well the smaller numbers of rows predict the largest; None where too few would remain."""
    largest = float(curve.sizes[-1])
    smaller = curve.without([largest])
    if len(smaller.sizes) < MIN_FRACTIONS or len(smaller.rows) < len(CURVE.names) + 2:
        return None
    error = fit_curve(smaller, samples=0).value(np.log([[largest]]))[0]
    return Backtest(largest, 1 - float(error), curve.mean(largest))
