"""Figures of a comparison: accuracy against data, size and cost."""

from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import replace
from statistics import fmean

from dsbs.artifacts.results.cells import Group, Variant
from dsbs.comparison.cells import grouped
from dsbs.comparison.names import levels_of, method_name, share_of_data
from dsbs.comparison.score_sentences import teacher_sentence
from dsbs.core.records import BASELINE, BASELINES, METHODS
from dsbs.plots.figure import Figure, Series, slug
from dsbs.reporting.collected import Comparison, Student

_LEARNED_BY = [*METHODS, *(f"{BASELINE}{name}" for name in BASELINES)]
_CAPTION = (
    "Bars are 95 % intervals over seeds, or over examples if there is one seed. "
    "The dashed level is the teacher's own accuracy."
)


def accuracy_figures(comparison: Comparison, price_per_hour: float | None) -> list[Figure]:
    """Accuracy against data (per student and label source), student size, and cost."""
    known = _known(comparison)
    students = [group for group in known if not group.is_baseline] or known
    found = [
        _against_data(comparison, [*groups, *_beside(groups[0], known)])
        for groups in grouped(students, lambda group: (group.student, group.labels))
    ]
    found.append(_against_size(comparison))
    found.append(_against_cost(comparison, "FLOPs", "training FLOPs", _flops))
    found.append(_against_cost(comparison, "hours", "device hours of training", _hours))
    if price_per_hour is not None:
        label = f"cost of training, at {price_per_hour:g} per device hour"
        found.append(
            _against_cost(
                comparison,
                "money",
                label,
                lambda students: (_hours(students) or 0.0) * price_per_hour,
            )
        )
    return [figure for figure in found if any(series.x for series in figure.series)]


def _against_data(comparison: Comparison, groups: Sequence[Group]) -> Figure:
    """The groups of one student and label source."""
    student = groups[0].student
    labels = groups[0].labels
    series = [
        _means(
            ", ".join([method_name(same[0], comparison.results.equal), *levels_of(same[0])]),
            [(100 * group.data_frac, group) for group in same],
            comparison,
        )
        for same in grouped(groups, lambda group: (*group.variant, *group.levels.items()))
    ]
    name = slug("accuracy-by-data", comparison.name, student, labels)
    title = f"Accuracy against data: {student}, {labels} labels"
    return _accuracy_figure(comparison, name, title, "training rows used, %", series)


def _beside(own: Group, known: Sequence[Group]) -> list[Group]:
    """The baselines that learned from the labels of this student."""
    return [g for g in known if g.is_baseline and not own.is_baseline and g.labels == own.labels]


def _against_size(comparison: Comparison) -> Figure:
    """At the largest fraction, for the students whose run folders are there."""
    sizes = {
        student.result.student: student.trained.parameters
        for student in comparison.students
        if student.trained and student.trained.parameters
    }
    known = _known(comparison)
    largest = max((group.data_frac for group in known), default=1.0)
    groups = [g for g in known if g.student in sizes and g.data_frac == largest]
    series = [
        _means(
            _labeled_method(same[0], comparison),
            [(sizes[group.student], group) for group in same],
            comparison,
        )
        for same in grouped(groups, _line)
    ]
    name = slug("accuracy-by-size", comparison.name)
    title = f"Accuracy against student size, {share_of_data(largest)}"
    return _accuracy_figure(
        comparison, name, title, "parameters of the student", series, log_x=True
    )


def _against_cost(
    comparison: Comparison,
    unit: str,
    x_label: str,
    cost: Callable[[Sequence[Student]], float | None],
) -> Figure:
    """One line per student, label source and method, over the fractions.

    If more data costs no more, as with equal steps, only the largest fraction is shown, and lines
    go over the students.
    """
    costs = {
        same[0].result.group: cost(same)
        for same in grouped(comparison.counted, lambda student: student.result.group)
    }
    known = [group for group in _known(comparison) if costs[group.group]]
    lines = grouped(known, lambda group: (group.student, *_line(group)))
    title = f"Accuracy against {x_label.split(',')[0]}"
    by_fraction = any(_varies([costs[group.group] or 0.0 for group in line]) for line in lines)
    if not by_fraction:
        largest = max((group.data_frac for group in known), default=1.0)
        at_largest = [group for group in known if group.data_frac == largest]
        lines = grouped(at_largest, _line)
        title = f"{title}, {share_of_data(largest)}"
    series = []
    for at, line in enumerate(lines):
        student = f", {line[0].student}" if by_fraction else ""
        name = f"{_labeled_method(line[0], comparison)}{student}"
        means = _means(name, [(costs[g.group] or 0.0, g) for g in line], comparison)
        # Students share the colors of their methods, which would not tell these lines apart.
        series.append(replace(means, color=at) if by_fraction else means)
    name = slug("accuracy-by", unit, comparison.name)
    return _accuracy_figure(comparison, name, title, x_label, series, log_x=True)


def _varies(costs: Sequence[float]) -> bool:
    """Whether the largest is more than a tenth above the smallest."""
    return max(costs) > 1.1 * min(costs)


def _accuracy_figure(
    comparison: Comparison,
    name: str,
    title: str,
    x_label: str,
    series: Sequence[Series],
    *,
    log_x: bool = False,
) -> Figure:
    agreement = comparison.results.measured == "teacher_agreement"
    y_label = "agreement with the teacher, %" if agreement else "test accuracy, %"
    teacher = comparison.results.teacher_accuracy
    several = comparison.results.teachers[1:]
    name_of_first = f"teacher {comparison.results.teachers[0].name}" if several else "teacher"
    level = None if teacher is None else (name_of_first, 100 * teacher)
    score = comparison.results.teacher_score
    if any(group.levels for group in comparison.results.groups):
        # Lines of one method share its color, which would not tell its levels apart.
        series = [replace(one, color=at) for at, one in enumerate(series)]
    caption = _CAPTION if score is None else f"{_CAPTION} {teacher_sentence(score)}."
    return Figure(name, title, x_label, y_label, series, log_x=log_x, level=level, caption=caption)


def _means(name: str, points: Iterable[tuple[float, Group]], comparison: Comparison) -> Series:
    """Means by x with their intervals. Dashed for labels other than gold."""
    found = sorted(points, key=lambda point: point[0])
    groups = [group for _, group in found]
    ends = [group.ci95_seeds or group.ci95_examples for group in groups]
    first = groups[0] if groups else None
    return Series(
        name,
        [x for x, _ in found],
        [None if group.mean is None else 100 * group.mean for group in groups],
        [100 * both[0] if both else None for both in ends],
        [100 * both[1] if both else None for both in ends],
        color=color_of(first, comparison) if first else 0,
        dashed=first is not None and first.labels != "gold",
    )


def _known(comparison: Comparison) -> list[Group]:
    """The groups with a mean."""
    return [group for group in comparison.results.groups if group.mean is not None]


def _labeled_method(group: Group, comparison: Comparison) -> str:
    method = method_name(group, comparison.results.equal)
    return ", ".join([method, f"{group.labels} labels", *levels_of(group)])


def _line(group: Group) -> tuple[Hashable, ...]:
    """What groups on one line share besides the student."""
    return (group.labels, *group.variant, *group.levels.items())


def _flops(students: Sequence[Student]) -> float | None:
    return _mean(student.result.train_flops for student in students)


def _hours(students: Sequence[Student]) -> float | None:
    return _mean(student.hours for student in students)


def _mean(values: Iterable[float | None]) -> float | None:
    known = [value for value in values if value]
    return fmean(known) if known else None


def color_of(row: Variant, comparison: Comparison) -> int:
    """Each method has one color everywhere, and another with another `equal`."""
    other = row.equal != comparison.results.equal
    return _LEARNED_BY.index(row.method) + (len(_LEARNED_BY) if other else 0)
