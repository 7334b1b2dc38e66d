"""`plan forecast`: what more data or a bigger student would bring, by a user's comparisons."""

import math

import numpy as np

from dsbs.core.errors import InputError
from dsbs.planning.comparisons import TaskCurves
from dsbs.planning.forecast_plan import (
    AllRows,
    Band,
    Cells,
    CurveForecast,
    ForecastPlan,
    HeldOut,
    MeasuredAccuracy,
    Target,
)
from dsbs.planning.growth import compare_growth
from dsbs.planning.plan import Estimate
from dsbs.scaling.fitting import SAMPLES, Fit, Interval
from dsbs.scaling.learning_curves import (
    MIN_FRACTIONS,
    Curve,
    accuracy_at,
    backtest,
    fit_curve,
    rows_for,
)

_DRAWN_POINTS = 60


def forecast(
    measured: TaskCurves, *, target: float, seed: int = 0, samples: int = SAMPLES
) -> ForecastPlan:
    """What each curve reaches, and what growth brings for each method and label source.

    Args:
        measured: The curves of one task.
        target: The accuracy to reach.
        seed: Seed of starts and bootstrap.
        samples: Bootstrap samples.

    Raises:
        InputError: where no curve has four fractions.
    """
    enough = [curve for curve in measured.curves if len(curve.sizes) >= MIN_FRACTIONS]
    if not enough:
        most = max(len(curve.sizes) for curve in measured.curves)
        got = f"{most} fractions at most"
        expected = f"{MIN_FRACTIONS} or more"
        fix = "compare with more --data-fracs"
        raise InputError("RUNS", got=got, expected=expected, fix=fix)
    found = [
        _forecast(curve, fit_curve(curve, seed=seed, samples=samples), target) for curve in enough
    ]
    alike: dict[tuple[str, str], list[Curve]] = {}
    for curve in enough:
        alike.setdefault((curve.method, curve.labels), []).append(curve)
    few = [curve for curve in measured.curves if curve not in enough]
    return ForecastPlan(
        task=measured.task,
        target=target,
        curves=sorted(found, key=lambda one: -one.measured[-1].accuracy),
        growth=[compare_growth(same, seed=seed, samples=samples) for same in alike.values()],
        skipped=[f"{curve.name}: {len(curve.sizes)} fractions" for curve in few],
        samples=samples,
    )


def _forecast(curve: Curve, fitted: Fit, target: float) -> CurveForecast:
    tested = backtest(curve)
    largest = float(curve.sizes[-1])
    limit = curve.limit if tested is None or tested.trusted else largest
    coefficients = fitted.coefficients()
    return CurveForecast(
        name=curve.name,
        student=curve.student,
        method=curve.method,
        labels=curve.labels,
        measured=[
            MeasuredAccuracy(
                rows=int(rows), accuracy=curve.mean(rows), seeds=int((curve.rows == rows).sum())
            )
            for rows in curve.sizes
        ],
        cells=Cells(rows=curve.rows.tolist(), accuracy=curve.accuracy.tolist()),
        drawn=_band(fitted, curve.sizes[0], limit),
        ceiling=_ceiling(coefficients["log floor"]),
        exponent=Estimate.of(coefficients["beta"]),
        noise=fitted.noise,
        limit_rows=int(limit),
        backtest=tested and HeldOut(**tested._asdict(), trusted=tested.trusted),
        target=_target(fitted, target, largest, limit),
        full=_all_rows(curve, fitted, limit),
    )


def _band(fitted: Fit, first: float, last: float) -> Band:
    rows = np.geomspace(first, last, _DRAWN_POINTS)
    accuracy = accuracy_at(fitted, rows)
    return Band(
        rows=rows.tolist(),
        low=accuracy.low.tolist(),
        accuracy=accuracy.value.tolist(),
        high=accuracy.high.tolist(),
    )


def _ceiling(log_floor: Interval) -> Estimate:
    """The accuracy above which no number of rows leads: 1 minus the floor of the error."""
    return Estimate(
        low=1 - math.exp(log_floor.high),
        value=1 - math.exp(log_floor.value),
        high=1 - math.exp(log_floor.low),
    )


def _target(fitted: Fit, target: float, largest: float, limit: float) -> Target:
    """How many rows reach the target, up to the limit."""
    rows = rows_for(fitted, target)
    at_limit = _accuracy(fitted, limit)
    if not math.isfinite(rows.low):
        return Target(status="above_ceiling", accuracy_at_limit=at_limit)
    if rows.value > limit:
        return Target(status="beyond", accuracy_at_limit=at_limit)
    return Target(
        status="reached" if rows.value <= largest else "forecast",
        accuracy_at_limit=at_limit,
        rows=Estimate(low=min(rows.low, limit), value=rows.value, high=min(rows.high, limit)),
        beyond_limit=rows.high > limit,
        times=rows.value / largest,
    )


def _all_rows(curve: Curve, fitted: Fit, limit: float) -> AllRows:
    """The accuracy with all rows: measured, forecast, or refused beyond the limit."""
    rows = int(curve.full_rows)
    if curve.sizes[-1] >= 0.999 * rows:
        mean = curve.mean(curve.sizes[-1])
        measured = Estimate(low=mean, value=mean, high=mean)
        return AllRows(rows=rows, status="measured", accuracy=measured)
    if rows > limit:
        return AllRows(rows=rows, status="refused", accuracy=None)
    return AllRows(rows=rows, status="forecast", accuracy=_accuracy(fitted, rows))


def _accuracy(fitted: Fit, rows: float) -> Estimate:
    low, value, high = accuracy_at(fitted, np.array([rows]))
    return Estimate(low=float(low[0]), value=float(value[0]), high=float(high[0]))
