"""Training curves of a comparison: loss and validation accuracy by step."""

from collections.abc import Callable
from typing import NamedTuple

from dsbs.artifacts.results.train import LogEntry
from dsbs.comparison.cells import grouped
from dsbs.comparison.names import method_name, setting_of
from dsbs.plots.figure import Figure, Series, slug
from dsbs.reporting.collected import Comparison, Student
from dsbs.reporting.comparison_figures import color_of


class Curve(NamedTuple):
    """A number that a training logs."""

    key: str
    """Part of the figure's name."""
    title: str
    y_label: str
    value: Callable[[LogEntry], float | None]


CURVES = (
    Curve("loss", "Training loss", "training loss", lambda entry: entry.loss),
    Curve(
        "eval-accuracy",
        "Validation accuracy",
        "validation accuracy, %",
        lambda entry: None if entry.eval_accuracy is None else 100 * entry.eval_accuracy,
    ),
)


def curve_figures(comparison: Comparison) -> list[Figure]:
    """Training loss and validation accuracy by step, per student, label source and fraction."""
    found = []
    for students in grouped(comparison.counted, lambda student: student.result.setting):
        first = students[0].result
        setting = setting_of(first)
        for curve in CURVES:
            series = [_curve(student, curve, comparison) for student in students]
            name = ("curves", comparison.name, first.student, first.labels)
            further = map(str, first.levels.values())
            figure = Figure(
                slug(*name, f"{first.data_frac:.4g}", *further, curve.key),
                f"{curve.title}: {setting}",
                "optimizer step",
                curve.y_label,
                [s for s in series if s.x],
            )
            if figure.series:
                found.append(figure)
    return found


def _curve(student: Student, curve: Curve, comparison: Comparison) -> Series:
    """The curve of one student; empty if its log is gone."""
    log = student.trained.log if student.trained else []
    points = [(entry.step, y) for entry in log if (y := curve.value(entry)) is not None]
    method = method_name(student.result, comparison.results.equal)
    return Series(
        f"{method}, seed {student.result.seed}",
        [step for step, _ in points],
        [y for _, y in points],
        color=color_of(student.result, comparison),
        legend=method,
    )
