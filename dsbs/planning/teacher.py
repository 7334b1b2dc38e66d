"""`plan teacher`: the best teacher by two laws that disagree, and ranked candidates."""

from collections.abc import Sequence

import numpy as np

from dsbs.core.errors import InputError
from dsbs.planning import fitted_range
from dsbs.planning.candidates import Candidate, rank
from dsbs.planning.capacity_gap_check import judge_gap
from dsbs.planning.model_sizes import ModelSize
from dsbs.planning.teacher_plan import (
    FLAT_NATS,
    CapacityGap,
    Flatness,
    OptimumByTokens,
    ScalingLawOptimum,
    TeacherPlan,
)
from dsbs.planning.teacher_sweep import Sweep
from dsbs.scaling import laws
from dsbs.scaling.capacity_gap import capacity_gap_teacher
from dsbs.scaling.coefficients import FITTED_PARAMS, TOKENS_PER_PARAM

_RATIOS = (20, 100, 400, 2000)
"""Tokens per parameter of a student, from compute-optimal to what small models are trained on."""


def recommend_teacher(
    student: ModelSize,
    *,
    student_tokens: float | None = None,
    tokens_per_param: float = TOKENS_PER_PARAM,
    candidates: Sequence[Candidate] = (),
    sweeps: Sequence[Sweep] = (),
) -> TeacherPlan:
    """The teacher that each law recommends for a student, and the candidates in their order.

    Args:
        student: Its size.
        student_tokens: Tokens that it learns from. Default: 20 per parameter.
        tokens_per_param: Tokens per parameter that teachers are trained on.
        candidates: Teachers to rank.
        sweeps: Measured students of several teachers, to test the law of capacity gap on.
    """
    n = student.non_embedding
    tokens = student_tokens or TOKENS_PER_PARAM * n
    gap = _capacity_gap(student, tokens, tokens_per_param)
    ranked = rank(
        candidates,
        n_student=n,
        d_student=tokens,
        tokens_per_param=tokens_per_param,
        gap_teacher=gap.teacher_params,
    )
    by_tokens = [
        OptimumByTokens(
            student_tokens_per_param=ratio,
            teacher_params=_best_size(n, ratio * n, tokens_per_param),
        )
        for ratio in _RATIOS
    ]
    return TeacherPlan(
        student=student,
        student_tokens=tokens,
        student_tokens_given=student_tokens is not None,
        tokens_per_param=tokens_per_param,
        supervised_loss=laws.supervised_loss(n, tokens),
        capacity_gap=gap,
        scaling_law=_optimum(n, tokens, tokens_per_param),
        optimum_by_tokens=by_tokens,
        candidates=ranked,
        measured=[judge_gap(name, points, student.params) for name, points in sweeps],
    )


def _capacity_gap(student: ModelSize, tokens: float, tokens_per_param: float) -> CapacityGap:
    try:
        teacher = capacity_gap_teacher(student.params)
    except InputError:
        return CapacityGap(teacher_params=None, ratio=None, student_loss=None, beyond_fitted=True)
    low, high = fitted_range.GAP_FITTED_TEACHERS
    return CapacityGap(
        teacher_params=teacher,
        ratio=teacher / student.params,
        student_loss=_student_loss(student.non_embedding, tokens, teacher, tokens_per_param),
        beyond_fitted=not low <= teacher <= high,
    )


def _optimum(n: float, tokens: float, tokens_per_param: float) -> ScalingLawOptimum:
    loss = laws.optimal_teacher_loss(n, tokens)
    best = laws.student_loss(n, tokens, teacher_loss=loss)
    teacher = _best_size(n, tokens, tokens_per_param)
    return ScalingLawOptimum(
        teacher_params=teacher,
        ratio=None if teacher is None else teacher / n,
        teacher_loss=loss,
        student_loss=best,
        beyond_fitted=teacher is None or teacher > FITTED_PARAMS[1],
        flatness=None if teacher is None else _flatness(n, tokens, tokens_per_param, teacher, best),
    )


def _flatness(
    n: float, tokens: float, tokens_per_param: float, teacher: float, best: float
) -> Flatness:
    """How flat the optimum at `teacher` is; `best` is the student's loss there."""
    sizes = np.geomspace(teacher / 1e3, teacher * 1e3, 2001)
    teacher_losses = laws.supervised_loss(sizes, tokens_per_param * sizes)
    losses = laws.student_loss(np.asarray(n), np.asarray(tokens), teacher_loss=teacher_losses)
    near = sizes[losses <= best + FLAT_NATS]
    return Flatness(
        half=_student_loss(n, tokens, 0.5 * teacher, tokens_per_param) - best,
        double=_student_loss(n, tokens, 2.0 * teacher, tokens_per_param) - best,
        near_best=(float(near[0]), float(near[-1])),
    )


def _best_size(n: float, tokens: float, tokens_per_param: float) -> float | None:
    try:
        return laws.optimal_teacher_params(n, tokens, tokens_per_param=tokens_per_param)
    except InputError:
        return None


def _student_loss(n: float, tokens: float, teacher: float, tokens_per_param: float) -> float:
    """The student's loss with a teacher of this size."""
    loss = laws.supervised_loss(teacher, tokens_per_param * teacher)
    return laws.student_loss(n, tokens, teacher_loss=loss)
