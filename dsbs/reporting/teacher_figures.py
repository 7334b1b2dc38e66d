"""Students against their teachers: does a better, or a larger, teacher make a better student?"""

from collections.abc import Callable, Hashable
from dataclasses import replace

from dsbs.artifacts.results.cells import Group
from dsbs.artifacts.results.compared import TeacherResult
from dsbs.comparison.cells import grouped
from dsbs.comparison.names import levels_of, method_name, share_of_data
from dsbs.plots.figure import Figure, Series, slug
from dsbs.reporting.collected import Comparison

_CAPTION = (
    "Bars are 95 % intervals over seeds, or over examples if there is one seed. The law of "
    "capacity gap expects students to get worse again beyond the teacher that suits their size."
)


def teacher_figures(comparison: Comparison) -> list[Figure]:
    """Accuracy of students against their teacher's accuracy, and its size where it is known.

    Nothing where all students had one teacher.
    """
    return [
        *_figure(comparison, "accuracy", "teacher's own accuracy, %", _quality),
        *_figure(comparison, "size", "parameters of the teacher", _size, log_x=True),
    ]


def _quality(teacher: TeacherResult) -> float | None:
    return 100 * teacher.score.share if teacher.score else None


def _size(teacher: TeacherResult) -> float | None:
    return teacher.parameters


def _figure(
    comparison: Comparison,
    what: str,
    x_label: str,
    x: Callable[[TeacherResult], float | None],
    *,
    log_x: bool = False,
) -> list[Figure]:
    """One line per student, labels, method and further values; [] below two teachers."""
    places = {teacher.name: x(teacher) for teacher in comparison.results.teachers}
    known = [
        group
        for group in comparison.results.groups
        if group.mean is not None and group.teacher and places.get(group.teacher) is not None
    ]
    if len({group.teacher for group in known}) < 2:
        return []
    series = [
        replace(_series(line, places, comparison), color=at)
        for at, line in enumerate(grouped(known, _line))
    ]
    name = slug("accuracy-by-teacher", what, comparison.name)
    title = f"Accuracy of students against the {what} of their teacher"
    y_label = "test accuracy, %"
    if comparison.results.measured == "teacher_agreement":
        y_label = "agreement with the teacher, %"
    return [Figure(name, title, x_label, y_label, series, log_x=log_x, caption=_CAPTION)]


def _line(group: Group) -> tuple[Hashable, ...]:
    further = [level for axis, level in group.levels.items() if axis != "teacher"]
    return (group.student, group.labels, group.data_frac, *group.variant, *further)


def _series(line: list[Group], places: dict[str, float | None], comparison: Comparison) -> Series:
    found = sorted(line, key=lambda group: places[group.teacher or ""] or 0.0)
    ends = [group.ci95_seeds or group.ci95_examples for group in found]
    first = found[0]
    parts = [
        method_name(first, comparison.results.equal),
        first.student,
        f"{first.labels} labels",
        share_of_data(first.data_frac),
        *levels_of(first, "teacher"),
    ]
    return Series(
        ", ".join(parts),
        [places[group.teacher or ""] for group in found],
        [None if group.mean is None else 100 * group.mean for group in found],
        [100 * both[0] if both else None for both in ends],
        [100 * both[1] if both else None for both in ends],
        dashed=first.labels != "gold",
    )
