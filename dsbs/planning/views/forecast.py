"""Tables and the figure of `plan forecast`."""

from collections.abc import Sequence
from typing import Any

from dsbs.core.tables import Share, percent
from dsbs.planning.forecast_plan import (
    CurveForecast,
    ForecastPlan,
    estimate_words,
    full_words,
    target_rows,
)
from dsbs.planning.growth import Growth
from dsbs.plots.figure import Figure, Series
from dsbs.plots.table import Table

_DRAWN = 6  # curves in a figure; nobody can tell more apart


def tables(plan: ForecastPlan) -> list[Table]:
    """Each curve's forecasts with 90 % intervals, and what growing in either direction brings."""
    columns = ["curve", "rows tried", "accuracy there", f"rows to {percent(plan.target)}", "times"]
    columns += ["all rows", "accuracy there", "ceiling", "limit"]
    title = f"Learning curves of {plan.task}, with 90 % intervals"
    ways = ["runs", "from", "twice the data gains", "a bigger student gains", "pays more"]
    return [
        Table("curves", title, columns, [_curve_row(curve) for curve in plan.curves]),
        Table(
            "growth", "A bigger student or more data", ways, [_growth_row(g) for g in plan.growth]
        ),
    ]


def figures(plan: ForecastPlan) -> list[Figure]:
    """Measured accuracies, the target, and fitted curves as far as they are trusted."""
    series = []
    for at, curve in enumerate(plan.curves[:_DRAWN]):
        band = curve.drawn
        accuracy, low, high = map(_in_percent, (band.accuracy, band.low, band.high))
        series.append(Series(curve.name, band.rows, accuracy, low, high, band=True, color=at))
        cells = _in_percent(curve.cells.accuracy)
        series.append(Series("", curve.cells.rows, cells, kind="points", color=at))
    title = f"Learning curves of {plan.task}"
    labels = ("training rows", "accuracy, %")
    level = ("target", 100 * plan.target)
    return [Figure("forecast", title, *labels, series, log_x=True, level=level)]


def _in_percent(shares: Sequence[float]) -> list[float]:
    return [100 * share for share in shares]


def _curve_row(curve: CurveForecast) -> list[Any]:
    first = curve.measured[0]
    last = curve.measured[-1]
    return [
        curve.name,
        f"{first.rows:,} to {last.rows:,}",
        Share(last.accuracy),
        target_rows(curve.target),
        curve.target.times,
        curve.full.rows,
        full_words(curve.full),
        estimate_words(curve.ceiling),
        curve.limit_rows,
    ]


def _growth_row(growth: Growth) -> list[Any]:
    name = f"{growth.method}, {growth.labels} labels"
    gains = growth.gains
    if gains is None:
        return [name, None, None, None, f"refused: {growth.refused}"]
    return [
        name,
        f"{gains.start.student}, {gains.start.rows:,.0f} rows",
        estimate_words(gains.more_data.gain),
        estimate_words(gains.bigger_student.gain),
        gains.pays_more or "not known",
    ]
