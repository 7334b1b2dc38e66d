"""Learning curves of comparisons: a power law with a floor over rows, how far it may be trusted, and what growth brings.

Over students of several sizes the supervised law's form is fitted. The teacher is the same for all cells of a comparison, so
its loss is a constant in the distillation law, and what is left of that law over size and data is the supervised form.
Errors stand in for losses; docs/planner.md says what that costs.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from dsbs.artifacts.manifest import read_manifest
from dsbs.core.errors import InputError
from dsbs.planning.model_sizes import student_shape
from dsbs.scaling.fitting import SAMPLES, Fit, Interval, fit, interval
from dsbs.scaling.flops import EncoderDecoder
from dsbs.scaling.forms import CURVE, SUPERVISED

Array = NDArray[Any]

MIN_FRACTIONS = 4
_FARTHEST = 4.0  # times the largest number of rows, whatever the runs span
_MISSED = 0.05  # accuracy by which a held-out fraction may be missed
_TIMES = 2.0  # as much data, or as large a student, whose gains are compared


@dataclass(frozen=True)
class Curve:
    """The measured cells of one student, method and label source. `params` without embeddings; None where unknown."""

    student: str
    method: str
    labels: str
    params: float | None
    rows: Array  # (cells,)
    accuracy: Array  # (cells,)
    full_rows: float

    @property
    def name(self) -> str:
        """For tables and figures."""
        return f"{self.student.rstrip('/').rsplit('/', 1)[-1]}, {self.method}, {self.labels} labels"

    @property
    def sizes(self) -> Array:
        """The numbers of rows that were tried, in order."""
        return np.unique(self.rows)

    @property
    def limit(self) -> float:
        """The most rows of which anything is said: half the tried span (on the logarithmic axis) beyond the largest."""
        low, high = self.sizes[[0, -1]]
        return float(high * min(_FARTHEST, np.sqrt(high / low)))

    def mean(self, rows: float) -> float:
        """The accuracy over seeds at this number of rows."""
        return float(self.accuracy[self.rows == rows].mean())

    def without(self, sizes: Iterable[float]) -> "Curve":
        """The curve without the cells of these numbers of rows."""
        kept = ~np.isin(self.rows, list(sizes))
        return Curve(**{**vars(self), "rows": self.rows[kept], "accuracy": self.accuracy[kept]})


class Backtest(NamedTuple):
    """The largest number of rows as the smaller ones predict it, and as it was measured."""

    rows: float
    predicted: float
    measured: float

    @property
    def trusted(self) -> bool:
        """Whether the smaller ones came near it."""
        return abs(self.predicted - self.measured) <= _MISSED


def read_curves(runs: Sequence[Path]) -> tuple[str, list[Curve]]:
    """The task and the curves of comparisons, cells that failed left out. InputError for other runs or unlike ones."""
    found: dict[tuple[str, str, str], list[tuple[Path, Mapping[str, Any]]]] = {}
    alike: tuple[Any, ...] | None = None
    for run in runs:
        results = _comparison(run)
        what = tuple(results[key] for key in ("task", "match", "decode"))
        if what != (alike := alike or what):
            got, expected = (
                "task {}, equal {}, labels read by {}".format(*what),
                "the same as in the first run",
            )
            raise InputError(
                f"RUNS {run}", got=got, expected=expected, fix="forecast unlike runs one by one"
            )
        for cell in results["cells"]:
            if cell["status"] == "done":
                found.setdefault((cell["student"], cell["method"], cell["labels"]), []).append(
                    (run, cell)
                )
    if alike is None or not found:
        raise InputError(
            "RUNS",
            got="no measured cell",
            expected="finished comparisons",
            fix="run dsbs compare first",
        )
    return alike[0], [_curve(key, cells) for key, cells in found.items()]


def fit_curve(curve: Curve, *, seed: int = 0, samples: int = SAMPLES) -> Fit:
    """error = floor + B / rows^beta. InputError for fewer than four numbers of rows, or fewer than five cells."""
    if len(curve.sizes) < MIN_FRACTIONS:
        got, expected = (
            f"{len(curve.sizes)} fractions",
            f"{MIN_FRACTIONS} or more, to see a curve bend",
        )
        raise InputError(
            f"RUNS: {curve.name}", got=got, expected=expected, fix="compare with more --data-fracs"
        )
    x = np.log(curve.rows)[:, None]
    return fit(CURVE, x, 1 - curve.accuracy, residual="plain", seed=seed, samples=samples)


def accuracy_at(fitted: Fit, rows: Array) -> Interval:
    """The expected accuracy at these numbers of rows (points,), with intervals."""
    low, value, high = fitted.predict(np.log(rows)[:, None])
    return Interval(np.maximum(1 - high, 0.0), 1 - value, 1 - low)


def rows_for(fitted: Fit, accuracy: float) -> Interval:
    """The rows at which the accuracy is expected; infinite where the floor forbids it."""

    def inverse(theta: Array) -> Array:
        floor, factor, beta = np.moveaxis(fitted.uncentred(theta), -1, 0)
        above = 1 - accuracy - np.exp(floor)
        return np.where(above > 0, (factor - np.log(np.maximum(above, 1e-300))) / beta, np.inf)

    with np.errstate(over="ignore"):
        return Interval(
            *map(float, map(np.exp, interval(inverse(fitted.theta), inverse(fitted.samples))))
        )


def backtest(curve: Curve) -> Backtest | None:
    """How well the smaller numbers of rows foretell the largest; None where too few would remain."""
    largest = float(curve.sizes[-1])
    smaller = curve.without([largest])
    if len(smaller.sizes) < MIN_FRACTIONS or len(smaller.rows) < len(CURVE.names) + 2:
        return None
    fitted = fit_curve(smaller, samples=0)
    return Backtest(largest, 1 - float(fitted.value(np.log([[largest]]))[0]), curve.mean(largest))


def compare_growth(
    curves: Sequence[Curve], *, seed: int = 0, samples: int = SAMPLES
) -> dict[str, Any]:
    """What twice the data and a bigger student each gain in accuracy, for curves that differ only in the student.

    From the largest student to one twice its size where three sizes were tried; with two sizes from the smaller to the
    larger, because two points bear no law of size. `pays_more` is None where the interval of the difference takes in 0;
    `refused` says why nothing is answered.
    """
    known = sorted(
        (c for c in curves if c.params and len(c.sizes) >= MIN_FRACTIONS),
        key=lambda c: c.params or 0,
    )
    sizes = sorted({curve.params for curve in known if curve.params})
    about = {"method": curves[0].method, "labels": curves[0].labels}
    if len(sizes) < 2:
        reason = f"{len(sizes)} student size{'s' * (len(sizes) != 1)} with {MIN_FRACTIONS} or more fractions; two or more bear it"
        return about | {"refused": reason}
    base = next(c for c in known if c.params == sizes[-1 if len(sizes) > 2 else -2])
    params = float(base.params or 0)
    bigger = _TIMES * params if len(sizes) > 2 else sizes[-1]
    rows = float(base.sizes[-1])
    if base.limit < _TIMES * rows:
        return about | {
            "refused": f"the rows tried span too little to say what {_TIMES:g} times as many bring"
        }
    x = np.concatenate(
        [np.log(np.stack([np.full_like(c.rows, c.params), c.rows], axis=1)) for c in known]
    )
    error = np.concatenate([1 - curve.accuracy for curve in known])
    fitted = fit(SUPERVISED, x, error, residual="plain", seed=seed, samples=samples)
    points = np.log([[params, rows], [params, _TIMES * rows], [bigger, rows]])
    value, drawn = fitted.value(points), fitted.sampled(points)
    data, size = (_gain(value, drawn, at) for at in (1, 2))
    difference = Interval(*map(float, interval(value[1] - value[2], drawn[:, 1] - drawn[:, 2])))
    return about | {
        "from": {"student": base.student, "params": params, "rows": rows},
        "more_data": {"rows": _TIMES * rows, "gain": data._asdict()},
        "bigger_student": {"params": bigger, "gain": size._asdict()},
        "difference": difference._asdict(),
        "pays_more": "bigger student"
        if difference.low > 0
        else "more data"
        if difference.high < 0
        else None,
    }


def _comparison(run: Path) -> Mapping[str, Any]:
    manifest = read_manifest(run)
    if manifest["stage"] != "compare" or "results" not in manifest:
        got = f"a run of {manifest['stage']} that is {manifest['status']}"
        raise InputError(
            f"RUNS {run}", got=got, expected="a finished run of compare", fix="check the path"
        )
    results: Mapping[str, Any] = manifest["results"]
    return results


def _curve(key: tuple[str, str, str], cells: Sequence[tuple[Path, Mapping[str, Any]]]) -> Curve:
    measured = [
        cell["accuracy"] if cell["accuracy"] is not None else cell["teacher_agreement"]
        for _, cell in cells
    ]
    rows = np.array([cell["n_train"] for _, cell in cells], dtype=float)
    largest = max(
        (cell for _, cell in cells), key=lambda cell: float(cell["data_frac"])
    )  # the least rounded one
    full = largest["n_train"] / largest["data_frac"]
    run, first = cells[0]
    return Curve(*key, _params(run, first), rows, np.array(measured, dtype=float), round(full))


def _params(run: Path, cell: Mapping[str, Any]) -> float | None:
    """Of the trained student: from the checkpoint's own config.json, else from its name."""
    trained = run / "cells" / cell["name"] / "best" / "config.json"
    if trained.is_file():
        config = json.loads(trained.read_text(encoding="utf-8"))
        known = config.get("model_type") in ("t5", "mt5")
        return float(EncoderDecoder.from_config(config).non_embedding_parameters) if known else None
    shape = student_shape(cell["student"])
    return float(shape.non_embedding_parameters) if shape else None


def _gain(value: Array, drawn: Array, at: int) -> Interval:
    """By how much the error falls from the first point to this one."""
    return Interval(*map(float, interval(value[0] - value[at], drawn[:, 0] - drawn[:, at])))
