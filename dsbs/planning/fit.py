"""`plan fit`: the coefficients of a law from a table of your own runs, beside the published ones."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from dsbs.config.plan import FitPlanConfig
from dsbs.core.errors import InputError
from dsbs.core.sizes import parse_size
from dsbs.core.tables import percent
from dsbs.data.readers import read_rows
from dsbs.planning import fitted_range
from dsbs.plots.charts import Chart, Series, Table
from dsbs.scaling import laws
from dsbs.scaling.fitting import Fit, fit
from dsbs.scaling.forms import DISTILLATION, SUPERVISED

Array = NDArray[Any]


class Runs(NamedTuple):
    """Runs of one kind, each (rows,): parameters, tokens, teacher's loss (nan for runs without one) and loss reached."""

    n: Array
    d: Array
    teacher_loss: Array
    loss: Array

    def kept(self, rows: Array) -> "Runs":
        """Those of the runs for which `rows` is true."""
        return Runs(*(column[rows] for column in self))


def answer(config: FitPlanConfig) -> dict[str, Any]:
    """The `coefficients` of the law with 90 % intervals and the published ones, and the mean relative error of both.

    The distillation law needs what students would reach alone: fitted to the table's runs without a teacher where it has
    enough of them, else the published supervised law. InputError for fewer runs than coefficients plus two.
    """
    runs = read_runs(config.table)
    without = np.isnan(runs.teacher_loss)
    distilled, alone = runs.kept(~without), runs.kept(without)
    law = config.law or ("distillation" if len(distilled.n) else "supervised")
    settings = {"delta": config.delta, "seed": config.seed, "samples": config.samples}
    if law == "distillation":
        used, source, fitted, x = distilled, *_fit_distillation(distilled, alone, settings)
        ends: Sequence[Any] = (laws.DISTILLATION, *laws.DISTILLATION_90)
        published = laws.student_loss(used.n, used.d, teacher_loss=used.teacher_loss)
    else:
        used, source, fitted, x = alone, None, _fit_supervised(alone, settings), _logs(alone)
        ends = (laws.SUPERVISED, *laws.SUPERVISED_90)
        published = laws.supervised_loss(used.n, used.d)
    value = fitted.value(x)
    results: dict[str, Any] = {
        "law": law,
        "rows": len(used.loss),
        "coefficients": _beside(fitted, ends),
        "fitted_error": _error(value, used.loss),
        "published_error": _error(published, used.loss),
        "noise": fitted.noise,
        "supervised_from": source,
        "points": {
            "measured": used.loss.tolist(),
            "fitted": value.tolist(),
            "published": published.tolist(),
        },
    }
    return results | {"sentence": _sentence(results), "rests_on": _rests_on(results, config)}


def read_runs(path: Path) -> Runs:
    """The runs of a CSV, JSON lines or Parquet file with columns N, D, L_S and, for distilled students, L_T.

    InputError with the place of a missing column or of anything that is not a number above 0.
    """
    rows = read_rows(path)
    found = [
        [_number(row, key, where, optional=key == "L_T") for key in ("N", "D", "L_T", "L_S")]
        for where, row in rows
    ]
    return Runs(*np.array(found).T)


def law_of(fitted: Fit) -> laws.SupervisedLaw:
    """A fitted supervised law as one that `dsbs.scaling.laws` takes."""
    theta = zip(fitted.form.names, fitted.uncentred(fitted.theta), strict=True)
    return laws.SupervisedLaw(**{_name(key): _plain(key, float(value)) for key, value in theta})


def tables(results: Mapping[str, Any]) -> list[Table]:
    """The coefficients beside the published ones, and how far each set of them is off."""
    rows = [
        [
            c["name"],
            c["value"],
            _range(c["low"], c["high"]),
            c["published"],
            _range(*c["published_range"]),
        ]
        for c in results["coefficients"]
    ]
    errors = [
        ["fitted", percent(results["fitted_error"])],
        ["published", percent(results["published_error"])],
    ]
    title = f"the {results['law']} law, fitted to {results['rows']} runs"
    columns = ["coefficient", "fitted", "90 % interval", "published", "90 % interval there"]
    return [
        Table(title, columns, rows),
        Table("mean error on these runs", ["coefficients", "relative"], errors),
    ]


def charts(results: Mapping[str, Any]) -> list[Chart]:
    """Expected over measured losses; a good law lies on the diagonal."""
    measured, fitted, published = (
        results["points"][key] for key in ("measured", "fitted", "published")
    )
    ends = [min(measured), max(measured)]
    series = [
        Series("exact", ends, ends, colour=6),
        Series("fitted here", measured, fitted, kind="points"),
        Series("published coefficients", measured, published, kind="points", colour=1),
    ]
    return [
        Chart(
            f"the {results['law']} law on {results['rows']} runs",
            "measured loss",
            "expected loss",
            series,
        )
    ]


def _fit_supervised(runs: Runs, settings: Mapping[str, Any]) -> Fit:
    return fit(SUPERVISED, _logs(runs), runs.loss, **settings)


def _fit_distillation(
    runs: Runs, alone: Runs, settings: Mapping[str, Any]
) -> tuple[str, Fit, Array]:
    """Where the law of students alone is from, the fit, and the rows it was made at."""
    own = len(alone.n) >= len(SUPERVISED.names) + 2
    supervised = (
        law_of(_fit_supervised(alone, {**settings, "samples": 0})) if own else laws.SUPERVISED
    )
    source = f"fitted to the {len(alone.n)} runs without a teacher" if own else "the published law"
    expected_alone = laws.supervised_loss(runs.n, runs.d, law=supervised)
    x = np.column_stack([_logs(runs), np.log(runs.teacher_loss), np.log(expected_alone)])
    return source, fit(DISTILLATION, x, runs.loss, **settings), x


def _logs(runs: Runs) -> Array:
    logs: Array = np.log(np.column_stack([runs.n, runs.d]))
    return logs


def _number(row: Mapping[str, Any], key: str, where: str, *, optional: bool) -> float:
    given = row.get(key)
    if optional and (given is None or str(given).strip() == ""):
        return float("nan")
    try:
        return parse_size(given)
    except ValueError as error:
        got = f"{key} {given!r}" if key in row else f"no column {key}, only {', '.join(row)}"
        raise InputError(
            where, got=got, expected=str(error), fix="columns are N, D, L_S and L_T"
        ) from None


def _beside(fitted: Fit, ends: Sequence[Any]) -> list[dict[str, Any]]:
    """Each coefficient with its interval; `ends`: the published law and both ends of its intervals."""
    found = []
    for key, interval in fitted.coefficients().items():
        published, low, high = (getattr(law, _name(key)) for law in ends)
        values = {end: _plain(key, value) for end, value in interval._asdict().items()}
        found.append(
            {"name": _name(key), **values, "published": published, "published_range": [low, high]}
        )
    return found


def _name(key: str) -> str:
    return key.removeprefix("log ")


def _plain(key: str, value: float) -> float:
    return float(np.exp(value)) if key.startswith("log ") else value


def _error(expected: Array, measured: Array) -> float:
    return float(np.mean(np.abs(expected / measured - 1)))


def _range(low: float, high: float) -> str:
    return f"{low:.4g} to {high:.4g}"


def _sentence(results: Mapping[str, Any]) -> str:
    ours, theirs = percent(results["fitted_error"]), percent(results["published_error"])
    return (
        f"The {results['law']} law fitted to these {results['rows']} runs misses them by {ours} on average; with the published "
        f"coefficients it misses them by {theirs}."
    )


def _rests_on(results: Mapping[str, Any], config: FitPlanConfig) -> list[str]:
    delta = f"{config.delta:g}" if config.delta else "1.345 standard deviations of the noise"
    notes = (
        [f"what students reach alone: {results['supervised_from']}"]
        if results["supervised_from"]
        else []
    )
    return [
        *notes,
        f"Huber loss of log-loss differences (threshold {delta}), L-BFGS-B from 64 starts at most, 90 % intervals from "
        f"{config.samples} bootstrap samples of the residuals",
        "single coefficients trade against each other: trust predictions inside the sizes tried more than any one of them",
        fitted_range.SCALING_LAW,
    ]
