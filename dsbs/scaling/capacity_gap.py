"""The law of capacity gap (Zhang et al. 2023, arXiv 2311.07052): how large the best teacher is.

The best teacher's size is linear in the student's: T = 2.498 S - 11.498, with R^2 = 0.9957. It was
found on students pruned from a teacher of the same family (GPT2 140M to 1.6B, Pythia 70M to 2.8B).
"""

import math
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from dsbs.core.errors import InputError

Array = NDArray[Any]

# The unit is inferred: only in millions is the intercept negligible.
GAP_SLOPE = 2.498
GAP_INTERCEPT = -11.498e6


class ToyErrors(NamedTuple):
    """Distances of teacher and student from the target function."""

    teacher: float
    student: float


def capacity_gap_teacher(student_params: float) -> float:
    """Parameters of the best teacher for a student.

    Raises:
        InputError: up to 7.7M parameters, where the line puts the teacher below the student.
    """
    teacher = GAP_SLOPE * student_params + GAP_INTERCEPT
    _check_order("capacity_gap_teacher", student_params, teacher)
    return teacher


def capacity_gap_student(teacher_params: float) -> float:
    """Parameters of the student whose best teacher has `teacher_params`: the line inverted."""
    student = (teacher_params - GAP_INTERCEPT) / GAP_SLOPE
    _check_order("capacity_gap_student", student, teacher_params)
    return student


def capacity_gap_toy(alphas: Array, m: int, *, n: int, t: float, d: float) -> ToyErrors:
    """Exact errors in the paper's linear model of the gap (Lemmas C.1 and C.2).

    The target has coefficients `alphas`. The teacher is the best fit to the target in the first `m`
    coefficients with norm at most `t`. The student is the best fit to the teacher in the first `n`
    with norm at most `d`. Too good a teacher hurts. InputError unless d <= t.
    """
    size = len(alphas)
    if not (1 <= m <= size and 1 <= n <= size and 0 < d <= t):
        got = f"m={m}, n={n}, t={t}, d={d}"
        expected = f"m and n from 1 to {size}, 0 < d <= t"
        raise InputError(
            "capacity_gap_toy", got=got, expected=expected, fix="shrink what is too large"
        )
    energy = np.cumsum(np.square(alphas))
    teacher_energy, shared_energy, total = (float(energy[i - 1]) for i in (m, min(m, n), size))
    scale = min(1.0, t / math.sqrt(teacher_energy)) if teacher_energy else 1.0
    student_scale = (
        scale * min(1.0, d / (scale * math.sqrt(shared_energy))) if shared_energy else 1.0
    )
    return ToyErrors(
        teacher=math.sqrt((scale - 1) ** 2 * teacher_energy + total - teacher_energy),
        student=math.sqrt((student_scale - 1) ** 2 * shared_energy + total - shared_energy),
    )


def _check_order(where: str, student: float, teacher: float) -> None:
    """The line has a meaning only where the teacher is the larger one."""
    if not teacher > student:
        raise InputError(
            where,
            got=f"student {student:g}, teacher {teacher:g}",
            expected="a teacher larger than its student",
            fix="give single parameters (not millions), above 7.7e6",
        )
