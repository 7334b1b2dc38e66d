"""Figures of a comparison: accuracy against data, size and cost, and training curves."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from statistics import fmean
from typing import Any

from dsbs.comparison.claims import by_key
from dsbs.comparison.findings import method_name, share_of_data
from dsbs.core.records import METHODS
from dsbs.plots.figure import Figure, Series, slug
from dsbs.reporting.load_runs import Cell, Comparison

Group = Mapping[str, Any]
Cost = Callable[[Sequence[Cell]], float | None]

_BARS = "Bars are 95 % intervals over seeds; of a single seed, over examples. The dashed level is the teacher's own accuracy."
_SETTING = ("student", "labels", "data_frac")


def accuracy_figures(comparison: Comparison, price_per_hour: float | None) -> list[Figure]:
    """Accuracy against data for every student and label source, against student size, and against cost."""
    found = [
        _against_data(comparison, groups)
        for groups in by_key(_known(comparison), ("student", "labels"))
    ]
    found.append(_against_size(comparison))
    found.append(
        _against_cost(
            comparison,
            "FLOPs",
            "training FLOPs",
            lambda cells: _mean(c.row.get("train_flops") for c in cells),
        )
    )
    found.append(_against_cost(comparison, "hours", "device hours of training", _hours))
    if price_per_hour is not None:
        label = f"cost of training, at {price_per_hour:g} a device hour"
        found.append(
            _against_cost(
                comparison, "money", label, lambda cells: (_hours(cells) or 0.0) * price_per_hour
            )
        )
    return [figure for figure in found if any(series.x for series in figure.series)]


def curve_figures(comparison: Comparison) -> list[Figure]:
    """Training loss and validation accuracy by step, for the cells of each student, label source and fraction."""
    found = []
    for rows in by_key(({**cell.row, "cell": cell} for cell in comparison.cells), _SETTING):
        student, labels, data_frac = (rows[0][key] for key in _SETTING)
        for key, label, scale in (
            ("loss", "training loss", 1.0),
            ("eval_accuracy", "validation accuracy, %", 100.0),
        ):
            series = [
                curve for row in rows if (curve := _curve(row["cell"], key, scale, comparison)).x
            ]
            name = slug("curves", comparison.name, student, labels, f"{data_frac:.4g}", key)
            title = f"{label.split(',')[0].capitalize()}: {student}, {labels} labels, {share_of_data(data_frac)}"
            if series:
                found.append(Figure(name, title, "optimiser step", label, series))
    return found


def _against_data(comparison: Comparison, groups: Sequence[Group]) -> Figure:
    student, labels = groups[0]["student"], groups[0]["labels"]
    series = [
        _means(
            method_name(same[0], comparison.results["equal"]),
            [(100 * g["data_frac"], g) for g in same],
            comparison,
        )
        for same in by_key(groups, ("method", "equal"))
    ]
    name = slug("accuracy-by-data", comparison.name, student, labels)
    title = f"Accuracy against data: {student}, {labels} labels"
    return _accuracy(comparison, name, title, "training rows used, %", series)


def _against_size(comparison: Comparison) -> Figure:
    """At the largest fraction; sizes are those of the students that were trained."""
    size = {
        cell.row["student"]: cell.trained["parameters"]
        for cell in comparison.cells
        if cell.trained.get("parameters")
    }
    largest = max((group["data_frac"] for group in _known(comparison)), default=1.0)
    groups = [g for g in _known(comparison) if g["student"] in size and g["data_frac"] == largest]
    series = [
        _means(
            _labelled_method(same[0], comparison),
            [(size[g["student"]], g) for g in same],
            comparison,
        )
        for same in by_key(groups, ("labels", "method", "equal"))
    ]
    title = f"Accuracy against student size, {share_of_data(largest)}"
    return _accuracy(
        comparison,
        slug("accuracy-by-size", comparison.name),
        title,
        "parameters of the student",
        series,
        log_x=True,
    )


def _against_cost(comparison: Comparison, unit: str, x_label: str, cost: Cost) -> Figure:
    """One line a student, label source and method; a point is a fraction, its cost the mean over seeds."""
    cells = {_key(found[0].row): found for found in _same_group(comparison.cells)}
    series = [
        _means(
            f"{_labelled_method(same[0], comparison)}, {same[0]['student']}",
            [(x, g) for g in same if (x := cost(cells[_key(g)]))],
            comparison,
        )
        for same in by_key(_known(comparison), ("student", "labels", "method", "equal"))
    ]
    name, title = (
        slug("accuracy-by", unit, comparison.name),
        f"Accuracy against {x_label.split(',')[0]}",
    )
    return _accuracy(comparison, name, title, x_label, series, log_x=True)


def _accuracy(
    comparison: Comparison,
    name: str,
    title: str,
    x_label: str,
    series: Sequence[Series],
    *,
    log_x: bool = False,
) -> Figure:
    agreement = any("teacher_agreement" in row for row in comparison.results["cells"])
    measured = "agreement with the teacher, %" if agreement else "test accuracy, %"
    teacher = comparison.results["teacher_accuracy"]
    level = None if teacher is None else ("teacher", 100 * teacher)
    return Figure(name, title, x_label, measured, series, log_x=log_x, level=level, caption=_BARS)


def _means(name: str, points: Iterable[tuple[float, Group]], comparison: Comparison) -> Series:
    """Means by x with their interval over seeds; of a single seed, over examples. Dashed for labels other than gold."""
    found = sorted(points, key=lambda point: point[0])
    ends = [group["ci95_seeds"] or group["ci95_examples"] or (None, None) for _, group in found]
    low, high = (
        [None if (end := both[side]) is None else 100 * end for both in ends] for side in (0, 1)
    )
    first = found[0][1] if found else None
    return Series(
        name,
        [x for x, _ in found],
        [100 * group["mean"] for _, group in found],
        low,
        high,
        color=_color(first, comparison) if first else 0,
        dashed=first is not None and first["labels"] != "gold",
    )


def _curve(cell: Cell, key: str, scale: float, comparison: Comparison) -> Series:
    points = [
        (log["step"], log[key] * scale) for log in cell.trained.get("log") or () if key in log
    ]
    method = method_name(cell.row, comparison.results["equal"])
    x, y = [x for x, _ in points], [y for _, y in points]
    return Series(
        f"{method}, seed {cell.row['seed']}",
        x,
        y,
        color=_color(cell.row, comparison),
        legend=method,
    )


def _known(comparison: Comparison) -> list[Group]:
    return [group for group in comparison.results["groups"] if group["mean"] is not None]


def _labelled_method(group: Group, comparison: Comparison) -> str:
    return f"{method_name(group, comparison.results['equal'])}, {group['labels']} labels"


def _same_group(cells: Iterable[Cell]) -> list[list[Cell]]:
    found: dict[tuple[Any, ...], list[Cell]] = {}
    for cell in cells:
        found.setdefault(_key(cell.row), []).append(cell)
    return list(found.values())


def _key(row: Group) -> tuple[Any, ...]:
    return tuple(row[key] for key in (*_SETTING, "method", "equal"))


def _hours(cells: Sequence[Cell]) -> float | None:
    return _mean(cell.hours for cell in cells)


def _mean(values: Iterable[float | None]) -> float | None:
    known = [value for value in values if value]
    return fmean(known) if known else None


def _color(row: Group, comparison: Comparison) -> int:
    """A method has one color everywhere; matched otherwise it has another."""
    return METHODS.index(row["method"]) + (
        len(METHODS) if row["equal"] != comparison.results["equal"] else 0
    )
