"""`plan forecast`: what more data or a bigger student would bring, from the user's own comparisons."""

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from dsbs.config.plan import ForecastPlanConfig
from dsbs.core.errors import InputError
from dsbs.core.tables import percent
from dsbs.planning.learning_curves import (
    MIN_FRACTIONS,
    Curve,
    accuracy_at,
    backtest,
    compare_growth,
    fit_curve,
    read_curves,
    rows_for,
)
from dsbs.plots.charts import Chart, Series, Table
from dsbs.scaling.fitting import Fit

_DRAWN = 6  # curves in a figure; more cannot be told apart


def answer(config: ForecastPlanConfig) -> dict[str, Any]:
    """`curves` (one a student, method and label source), `growth` (one a method and label source) and what was `skipped`.

    InputError where no curve has four fractions.
    """
    task, curves = read_curves(config.runs)
    enough = [curve for curve in curves if len(curve.sizes) >= MIN_FRACTIONS]
    if not enough:
        most = max(len(curve.sizes) for curve in curves)
        fix = "compare with more --data-fracs"
        raise InputError(
            "RUNS", got=f"{most} fractions at most", expected=f"{MIN_FRACTIONS} or more", fix=fix
        )
    settings = {"seed": config.seed, "samples": config.samples}
    found = [_curve(curve, fit_curve(curve, **settings), config.target) for curve in enough]
    alike: dict[tuple[str, str], list[Curve]] = {}
    for curve in enough:
        alike.setdefault((curve.method, curve.labels), []).append(curve)
    results: dict[str, Any] = {
        "task": task,
        "target": config.target,
        "curves": sorted(found, key=lambda one: -one["measured"][-1]["accuracy"]),
        "growth": [compare_growth(same, **settings) for same in alike.values()],
        "skipped": [f"{c.name}: {len(c.sizes)} fractions" for c in curves if c not in enough],
    }
    return results | {"sentence": _sentence(results), "rests_on": _rests_on(results, config)}


def tables(results: Mapping[str, Any]) -> list[Table]:
    """Each curve's forecasts with 90 % intervals, and what growing in either direction brings."""
    target = percent(results["target"])
    columns = [
        "curve",
        "rows tried",
        "accuracy there",
        f"rows to {target}",
        "times",
        "all rows",
        "accuracy there",
        "ceiling",
        "limit",
    ]
    rows = [
        [
            curve["name"],
            f"{curve['measured'][0]['rows']:,} to {curve['measured'][-1]['rows']:,}",
            percent(curve["measured"][-1]["accuracy"]),
            _rows_shown(curve["target"]),
            curve["target"].get("times"),
            curve["full"]["rows"],
            _full_shown(curve["full"]),
            _range(curve["ceiling"]),
            curve["limit_rows"],
        ]
        for curve in results["curves"]
    ]
    growth = [
        [
            f"{one['method']}, {one['labels']} labels",
            *(
                [None, None, None, f"refused: {one['refused']}"]
                if "refused" in one
                else [
                    f"{one['from']['student']}, {one['from']['rows']:,.0f} rows",
                    _range(one["more_data"]["gain"]),
                    _range(one["bigger_student"]["gain"]),
                    one["pays_more"] or "cannot be told",
                ]
            ),
        ]
        for one in results["growth"]
    ]
    return [
        Table(f"learning curves of {results['task']}, with 90 % intervals", columns, rows),
        Table(
            "a bigger student or more data",
            ["runs", "from", "twice the data gains", "a bigger student gains", "pays more"],
            growth,
        ),
    ]


def charts(results: Mapping[str, Any]) -> list[Chart]:
    """Measured accuracies, fitted curves with their bands as far as they are trusted, and the target."""
    series, ends = [], []
    for at, curve in enumerate(results["curves"][:_DRAWN]):
        drawn, cells = curve["drawn"], curve["cells"]
        band = {"low": drawn["low"], "high": drawn["high"]}
        series.append(Series(curve["name"], drawn["rows"], drawn["accuracy"], colour=at, **band))
        series.append(Series("", cells["rows"], cells["accuracy"], kind="points", colour=at))
        ends += [drawn["rows"][0], drawn["rows"][-1]]
    span = [min(ends), max(ends)]
    series.append(
        Series(f"target {percent(results['target'])}", span, [results["target"]] * 2, colour=6)
    )
    return [
        Chart(
            f"learning curves of {results['task']}", "training rows", "accuracy", series, log_x=True
        )
    ]


def _curve(curve: Curve, fitted: Fit, target: float) -> dict[str, Any]:
    tested = backtest(curve)
    largest = float(curve.sizes[-1])
    limit = curve.limit if tested is None or tested.trusted else largest
    ceiling = fitted.coefficients()["log floor"]
    x = np.geomspace(curve.sizes[0], limit, 60)
    band = accuracy_at(fitted, x)
    return {
        "name": curve.name,
        "student": curve.student,
        "method": curve.method,
        "labels": curve.labels,
        "measured": [
            {"rows": int(n), "accuracy": curve.mean(n), "seeds": int((curve.rows == n).sum())}
            for n in curve.sizes
        ],
        "cells": {"rows": curve.rows.tolist(), "accuracy": curve.accuracy.tolist()},
        "drawn": {
            "rows": x.tolist(),
            "low": band.low.tolist(),
            "accuracy": band.value.tolist(),
            "high": band.high.tolist(),
        },
        "ceiling": {
            "low": 1 - math.exp(ceiling.high),
            "value": 1 - math.exp(ceiling.value),
            "high": 1 - math.exp(ceiling.low),
        },
        "exponent": fitted.coefficients()["beta"]._asdict(),
        "noise": fitted.noise,
        "limit_rows": int(limit),
        "backtest": tested and {**tested._asdict(), "trusted": tested.trusted},
        "target": _target(fitted, target, largest, limit),
        "full": _full(curve, fitted, limit),
    }


def _target(fitted: Fit, target: float, largest: float, limit: float) -> dict[str, Any]:
    """How many rows reach the target: `status` is reached, forecast, beyond (the limit) or above_ceiling."""
    rows = rows_for(fitted, target)
    at_limit = _accuracy(fitted, limit)
    status = "reached" if rows.value <= largest else "forecast" if rows.value <= limit else "beyond"
    if not math.isfinite(rows.low):
        status = "above_ceiling"
    found = {"status": status, "accuracy_at_limit": at_limit}
    if status in ("reached", "forecast"):
        ends = {name: min(value, limit) for name, value in rows._asdict().items()}
        found |= {"rows": ends, "beyond_limit": rows.high > limit, "times": rows.value / largest}
    return found


def _full(curve: Curve, fitted: Fit, limit: float) -> dict[str, Any]:
    """The accuracy with all rows: measured, forecast, or refused (None) where they lie beyond the limit."""
    rows = int(curve.full_rows)
    if curve.sizes[-1] >= 0.999 * rows:
        return {
            "rows": rows,
            "status": "measured",
            "accuracy": {"value": curve.mean(curve.sizes[-1])},
        }
    if rows > limit:
        return {"rows": rows, "status": "refused", "accuracy": None}
    return {"rows": rows, "status": "forecast", "accuracy": _accuracy(fitted, rows)}


def _accuracy(fitted: Fit, rows: float) -> dict[str, float]:
    return {
        name: float(value[0])
        for name, value in accuracy_at(fitted, np.array([rows]))._asdict().items()
    }


def _range(interval: Mapping[str, float]) -> str:
    return (
        f"{percent(interval['value'])} ({percent(interval['low'])} to {percent(interval['high'])})"
    )


def _rows_shown(target: Mapping[str, Any]) -> str:
    if "rows" in target:
        rows = target["rows"]
        beyond = "more than " if target["beyond_limit"] else ""
        return f"{rows['value']:,.0f} ({rows['low']:,.0f} to {beyond}{rows['high']:,.0f})"
    return (
        "above the ceiling" if target["status"] == "above_ceiling" else "refused: beyond the limit"
    )


def _full_shown(full: Mapping[str, Any]) -> str:
    match full["status"]:
        case "measured":
            return f"{percent(full['accuracy']['value'])} (measured)"
        case "forecast":
            return _range(full["accuracy"])
        case _:
            return "refused: beyond the limit"


def _sentence(results: Mapping[str, Any]) -> str:
    best, target = results["curves"][0], percent(results["target"])
    name, found, limit = best["name"], best["target"], f"{best['limit_rows']:,}"
    match found["status"]:
        case "reached":
            said = (
                f"{target} is reached at about {found['rows']['value']:,.0f} rows, which were tried"
            )
        case "forecast":
            said = f"{target} takes about {_rows_shown(found)} rows, {found['times']:.1f} times what was tried"
        case "above_ceiling":
            ceiling = _range(best["ceiling"])
            said = f"{target} lies above the fitted ceiling of {ceiling}: more of the same data does not reach it"
        case _:
            there = _range(found["accuracy_at_limit"])
            said = f"{target} lies beyond the {limit} rows of which these runs say anything; there it is {there}"
    full = best["full"]
    more = (
        f"; all {full['rows']:,} rows would give {_full_shown(full)}"
        if full["status"] == "forecast"
        else ""
    )
    told = [one for one in results["growth"] if one.get("pays_more")]
    grow = f"; a {told[0]['pays_more']} pays more".replace("a more", "more") if told else ""
    return f"For the best curve ({name}), {said}{more}{grow}."


def _rests_on(results: Mapping[str, Any], config: ForecastPlanConfig) -> list[str]:
    notes = [
        f"REFUSED to extrapolate {c['name']}: {_missed(c['backtest'])}"
        for c in results["curves"]
        if _distrusted(c)
    ]
    tested = [c for c in results["curves"] if c["backtest"] and c["backtest"]["trusted"]]
    notes += [f"held out: {c['name']}: {_missed(c['backtest'])}" for c in tested]
    notes += [f"left out, too few fractions: {skipped}" for skipped in results["skipped"]]
    return [
        *notes,
        "error = floor + B / rows^beta, Huber loss, L-BFGS-B from 64 starts at most, 90 % intervals of the expected accuracy "
        f"from {config.samples} bootstrap samples of the residuals; fractions of one seed share rows, which these do not know",
        "limit: half the span of rows that was tried, on a logarithmic axis, beyond the largest; at most four times it",
        "accuracy on this test split, with this teacher and recipe; more rows mean rows like these",
    ]


def _distrusted(curve: Mapping[str, Any]) -> bool:
    return curve["backtest"] is not None and not curve["backtest"]["trusted"]


def _missed(tested: Mapping[str, Any]) -> str:
    said = f"{percent(tested['predicted'])} predicted and {percent(tested['measured'])} measured"
    return f"from the smaller fractions {said} at {tested['rows']:,.0f} rows"
