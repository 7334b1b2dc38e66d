"""Tables and the figure of `plan teacher`."""

from collections.abc import Mapping, Sequence

import numpy as np

from dsbs.core.sizes import show_size
from dsbs.core.tables import Share, percent
from dsbs.planning.capacity_gap_check import GapTest, TeacherPoint
from dsbs.planning.teacher_plan import FLAT_NATS, OptimumByTokens, TeacherPlan
from dsbs.plots.figure import Figure, Series
from dsbs.plots.table import Table
from dsbs.scaling import laws
from dsbs.scaling.coefficients import FITTED_PARAMS


def tables(plan: TeacherPlan) -> list[Table]:
    """Both laws side by side, how flat the optimum is, how it moves, and the candidates."""
    found = [_both_laws(plan), *_flatness(plan), _by_tokens(plan)]
    found += [_candidates(plan)] if plan.candidates else []
    return [*found, *(_measured(at, one) for at, one in enumerate(plan.measured))]


def figures(plan: TeacherPlan) -> list[Figure]:
    """The student's expected loss over the teacher's size, with both recommendations."""
    n = plan.student.non_embedding
    ratio = plan.tokens_per_param
    recommended = {
        "capacity gap": plan.capacity_gap.teacher_params,
        "scaling law": plan.scaling_law.teacher_params,
    }
    marks = {f"{law}: {show_size(size)}": size for law, size in recommended.items() if size}
    x = np.geomspace(0.3 * n, 4 * max([30 * n, *marks.values()]), 300)
    student = laws.student_loss(
        np.asarray(n),
        np.asarray(plan.student_tokens),
        teacher_loss=laws.supervised_loss(x, ratio * x),
    )
    series = [
        Series("distilled (scaling law)", x.tolist(), student.tolist()),
        Series("trained alone", x.tolist(), [plan.supervised_loss] * len(x), color=1),
    ]
    if plan.candidates:
        sizes = [candidate.size for candidate in plan.candidates]
        losses = [candidate.student_loss for candidate in plan.candidates]
        series.append(Series("candidates", sizes, losses, kind="points", color=3))
    largest = FITTED_PARAMS[1]
    outside = (largest, float(x[-1])) if x[-1] > largest else None
    title = f"Student of {show_size(n)} on {show_size(plan.student_tokens)} tokens"
    x_label = f"parameters of the teacher, trained on {ratio:g} tokens each"
    y_label = "loss of the student, nats per token"
    found = Figure(
        "teacher", title, x_label, y_label, series, log_x=True, marks=marks, outside=outside
    )
    return [found, *(figure for one in plan.measured for figure in _over_teachers(one))]


def _both_laws(plan: TeacherPlan) -> Table:
    columns = ["law", "best teacher", "times the student", "its size counts"]
    columns += ["student's loss there", "beyond the fitted range"]
    rows = [
        [
            name,
            _size(law.teacher_params),
            law.ratio,
            law.counts,
            law.student_loss,
            "yes: EXTRAPOLATED" if law.beyond_fitted else "no",
        ]
        for name, law in (("capacity gap", plan.capacity_gap), ("scaling law", plan.scaling_law))
    ]
    title = f"Two laws for a student of {show_size(plan.student.params)} ({plan.student.name})"
    return Table("laws", title, columns, rows)


def _flatness(plan: TeacherPlan) -> list[Table]:
    flatness = plan.scaling_law.flatness
    if flatness is None:
        return []
    low, high = map(show_size, flatness.near_best)
    rows = [
        ["half the size", f"+{flatness.half:.4f} nats"],
        ["double the size", f"+{flatness.double:.4f} nats"],
        [f"{low} to {high}", f"within {FLAT_NATS} nats of the best"],
    ]
    title = "How flat the scaling law's optimum is"
    return [Table("flatness", title, ["teacher", "the student's loss"], rows)]


def _by_tokens(plan: TeacherPlan) -> Table:
    n = plan.student.non_embedding
    rows = [
        [
            row.student_tokens_per_param,
            show_size(row.student_tokens_per_param * n),
            _size(row.teacher_params),
            _times(row, n),
        ]
        for row in plan.optimum_by_tokens
    ]
    columns = ["tokens per parameter", "student's tokens", "best teacher", "times the student"]
    title = "How the scaling law's optimum moves with the student's tokens"
    return Table("by-tokens", title, columns, rows)


def _times(row: OptimumByTokens, n: float) -> float | None:
    return None if row.teacher_params is None else round(row.teacher_params / n, 1)


def _candidates(plan: TeacherPlan) -> Table:
    columns = ["candidate", "size", "price/1M", "accuracy", "rank", "its loss", "from"]
    columns += ["student's loss", "rank", "gap rank"]
    rows = [
        [
            candidate.name,
            show_size(candidate.size),
            candidate.price_per_million_tokens,
            candidate.accuracy,
            candidate.rank_accuracy,
            candidate.loss,
            candidate.loss_from,
            candidate.student_loss,
            candidate.rank_scaling_law,
            candidate.rank_capacity_gap,
        ]
        for candidate in plan.candidates
    ]
    return Table("candidates", "Your candidates, best first", columns, rows)


def _measured(at: int, test: GapTest) -> Table:
    columns = ["teacher", "size", "its accuracy", "student", "95 %"]
    rows = [
        [
            one.teacher,
            _size(one.size),
            None if one.quality is None else Share(one.quality),
            Share(one.accuracy),
            None if one.interval is None else " to ".join(map(percent, one.interval)),
        ]
        for one in test.points
    ]
    predicted = _size(test.predicted_teacher) or "none"
    title = f"Students by teacher: {test.student} (the law's teacher: {predicted})"
    return Table(f"measured-{at}", title, columns, rows)


def _over_teachers(test: GapTest) -> list[Figure]:
    """The students over their teachers' size and quality, as far as these are known."""
    predicted = test.predicted_teacher
    marks = {f"capacity gap: {show_size(predicted)}": predicted} if predicted else {}
    sized = [(one.size, one) for one in test.points if one.size is not None]
    ranked = sorted(
        ((one.quality, one) for one in test.points if one.quality is not None),
        key=lambda pair: pair[0],
    )
    found = []
    if len(sized) > 1:
        x_label = "parameters of the teacher"
        found.append(_figure("by-size", test, x_label, sized, marks, log_x=True))
    if len(ranked) > 1:
        percents = [(100 * quality, one) for quality, one in ranked]
        found.append(_figure("by-quality", test, "accuracy of the teacher, %", percents, {}))
    return found


def _figure(
    name: str,
    test: GapTest,
    x_label: str,
    points: Sequence[tuple[float, TeacherPoint]],
    marks: Mapping[str, float],
    *,
    log_x: bool = False,
) -> Figure:
    series = Series(
        "student",
        [x for x, _ in points],
        [100 * one.accuracy for _, one in points],
        [None if one.interval is None else 100 * one.interval[0] for _, one in points],
        [None if one.interval is None else 100 * one.interval[1] for _, one in points],
    )
    y_label = "accuracy of the student, %"
    return Figure(name, test.student, x_label, y_label, [series], log_x=log_x, marks=marks)


def _size(size: float | None) -> str | None:
    return None if size is None else show_size(size)
