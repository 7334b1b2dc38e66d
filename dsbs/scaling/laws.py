"""What loss to expect of a student, and which teacher suits it: two published laws, kept apart because they disagree.

1. Distillation scaling laws (Busbridge et al. 2025, arXiv 2502.08606): the loss of a student from its size, its data
   and its teacher's loss. Losses are cross-entropies in nats per token on C4-English; sizes are parameters without
   embeddings (n) and tokens (d). The form holds for logit distillation of decoder-only transformers; for other models
   and data the published coefficients order the options at best, so a refitted law can be passed in their place.
2. The law of capacity gap (Zhang et al. 2023, arXiv 2311.07052): the best teacher's size is linear in the student's.
For a 770M student on 20 to 2000 tokens a parameter law 1 asks for a teacher 84 to 9 times as large, law 2 for 2.5.
"""

import math
from dataclasses import dataclass, fields, replace
from typing import Any, NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

from dsbs.core.errors import InputError, check_positive

Array = NDArray[Any]
Sizes = TypeVar("Sizes", float, Array)  # floats give a float, arrays an array


@dataclass(frozen=True)
class SupervisedLaw:
    """Coefficients of L(n, d) = E + (A / n^alpha + B / d^beta)^gamma (eq 1)."""

    A: float
    B: float
    E: float
    alpha: float
    beta: float
    gamma: float


# Table 6; each pair holds the ends of the 90 % intervals, from 4096 bootstrap samples of 73 and of 697 runs.
SUPERVISED = SupervisedLaw(A=3355, B=18186, E=1.220, alpha=0.408, beta=0.431, gamma=0.452)
SUPERVISED_90 = (
    SupervisedLaw(A=3346, B=18157, E=1.190, alpha=0.405, beta=0.428, gamma=0.442),
    SupervisedLaw(A=3360, B=18236, E=1.247, alpha=0.411, beta=0.433, gamma=0.461),
)


@dataclass(frozen=True)
class DistillationLaw:
    """Coefficients of the student's law (eq 8); A to gamma are the paper's primed ones.

    `supervised` says what the student and its teachers would reach alone.
    """

    A: float
    B: float
    alpha: float
    beta: float
    gamma: float
    c0: float
    c1: float
    f1: float
    d1: float
    supervised: SupervisedLaw = SUPERVISED


DISTILLATION = DistillationLaw(
    A=2243, B=24181, alpha=0.321, beta=0.637, gamma=0.764, c0=2.549, c1=522.6, f1=0.090, d1=1.315
)
DISTILLATION_90 = (
    DistillationLaw(
        A=2227,
        B=24084,
        alpha=0.319,
        beta=0.634,
        gamma=0.732,
        c0=2.425,
        c1=522.6,
        f1=0.088,
        d1=1.302,
    ),
    DistillationLaw(
        A=2255,
        B=24266,
        alpha=0.324,
        beta=0.640,
        gamma=0.788,
        c0=2.615,
        c1=522.6,
        f1=0.093,
        d1=1.327,
    ),
)

FITTED_PARAMS = (143e6, 12.6e9)  # the sizes of the models behind Table 6
FITTED_MAX_TOKENS = 512e9
TOKENS_PER_PARAM = 20.0  # the paper's ratio for a compute-optimal ("Chinchilla") teacher

# T* = 2.498 S - 11.498, R^2 = 0.9957. The unit is inferred: only in millions is the intercept negligible.
GAP_SLOPE, GAP_INTERCEPT = 2.498, -11.498e6


class LossRange(NamedTuple):
    """A predicted loss between the ends of its range, in nats per token."""

    low: float
    value: float
    high: float


class ToyErrors(NamedTuple):
    """Distances of teacher and student from the target function."""

    teacher: float
    student: float


def supervised_loss(n: Sizes, d: Sizes, *, law: SupervisedLaw = SUPERVISED) -> Sizes:
    """Loss of a model of `n` parameters trained on `d` tokens (eqs 1 and 44); math.inf gives the limit.

    Floats give a float, arrays broadcast. InputError where a size is not above 0.
    """
    check_positive("supervised_loss", n=n, d=d)
    loss: Sizes = _plain(np.exp(_log_supervised(n, d, law)))
    return loss


def student_loss(
    n_student: Sizes, d_student: Sizes, *, teacher_loss: Sizes, law: DistillationLaw = DISTILLATION
) -> Sizes:
    """Loss of a student of `n_student` parameters distilled on `d_student` tokens (eqs 8 and 49).

    With T the teacher's loss, Ls the supervised loss at the student's size and tokens, and ' the distillation
    coefficients: T + T^-c0 (1 + (T / (Ls d1))^(1/f1))^(-c1 f1) (A'/n^alpha' + B'/d^beta')^gamma'. It is computed in
    logarithms, where nothing overflows. Never below T, though the paper saw students beat weaker teachers.
    Floats give a float, arrays broadcast. InputError where a size or the teacher's loss is not above 0.
    """
    check_positive(
        "student_loss", n_student=n_student, d_student=d_student, teacher_loss=teacher_loss
    )
    log_teacher = np.log(teacher_loss)
    log_alone = _log_supervised(n_student, d_student, law.supervised)
    log_penalty = (
        law.c1 * law.f1 * np.logaddexp(0.0, (log_teacher - log_alone - np.log(law.d1)) / law.f1)
    )
    log_excess = (
        law.gamma * _log_power_sum(n_student, d_student, law) - law.c0 * log_teacher - log_penalty
    )
    loss: Sizes = _plain(np.exp(np.logaddexp(log_teacher, log_excess)))
    return loss


def supervised_loss_range(n: float, d: float) -> LossRange:
    """`supervised_loss` with the range of the published 90 % intervals.

    Each coefficient is moved alone to either end of its interval; the shifts, upward and downward apart, are added in
    quadrature. That is no joint interval: the coefficients were fitted together and are correlated, and the paper does
    not publish its bootstrap samples. It does not cover the error of leaving the fitted range (`in_range`).
    """
    laws = _moved(SUPERVISED, SUPERVISED_90)
    return _quadrature(supervised_loss(n, d), [supervised_loss(n, d, law=law) for law in laws])


def student_loss_range(n_student: float, d_student: float, *, teacher_loss: float) -> LossRange:
    """`student_loss` with the range of the intervals of both laws, made the way of `supervised_loss_range`.

    The teacher's loss is taken as known.
    """
    laws = _moved(DISTILLATION, DISTILLATION_90)
    laws += [replace(DISTILLATION, supervised=law) for law in _moved(SUPERVISED, SUPERVISED_90)]
    value, *moved = (
        student_loss(n_student, d_student, teacher_loss=teacher_loss, law=law)
        for law in (DISTILLATION, *laws)
    )
    return _quadrature(value, moved)


def in_range(n: float, d: float) -> bool:
    """Whether `n` parameters and `d` tokens lie within what the published coefficients were fitted on."""
    return FITTED_PARAMS[0] <= n <= FITTED_PARAMS[1] and 0 < d <= FITTED_MAX_TOKENS


def optimal_teacher_loss(
    n_student: float, d_student: float, *, law: DistillationLaw = DISTILLATION
) -> float:
    """The teacher's loss that gives the student its lowest loss, teachers being free (the paper's best case).

    At least E, and exactly E where the student is so strong that no teacher is too good for it. The minimum is flat.
    """
    n, d = np.asarray(n_student), np.asarray(d_student)
    low = law.supervised.E
    high = (
        2 * law.d1 * supervised_loss(n_student, d_student, law=law.supervised)
    )  # past the law's transition
    for _ in range(4):  # each pass narrows the bracket 500 times
        losses = np.linspace(low, high, 1001)
        best = int(np.argmin(student_loss(n, d, teacher_loss=losses, law=law)))
        low, high = losses[max(best - 1, 0)], losses[min(best + 1, 1000)]
    return float(losses[best])


def teacher_params_for_loss(
    loss: float, tokens_per_param: float = TOKENS_PER_PARAM, *, law: SupervisedLaw = SUPERVISED
) -> float:
    """Parameters at which a model trained on `tokens_per_param` tokens a parameter reaches `loss`.

    InputError where no model of 1 to 1e30 parameters does: at E or below, or above what one parameter gives.
    """
    check_positive("teacher_params_for_loss", loss=loss, tokens_per_param=tokens_per_param)
    low, high = 1.0, 1e30
    worst, best = (supervised_loss(n, tokens_per_param * n, law=law) for n in (low, high))
    if not best <= loss <= worst:
        fix = "no teacher is that good" if loss < best else "no trained teacher is that bad"
        raise InputError(
            "teacher_params_for_loss",
            got=loss,
            expected=f"a loss of {best:.6g} to {worst:.6g}",
            fix=fix,
        )
    while high / low > 1 + 1e-12:
        middle = math.sqrt(low) * math.sqrt(high)
        if (
            supervised_loss(middle, tokens_per_param * middle, law=law) > loss
        ):  # the loss falls with size
            low = middle
        else:
            high = middle
    return high


def optimal_teacher_params(
    n_student: float,
    d_student: float,
    *,
    tokens_per_param: float = TOKENS_PER_PARAM,
    law: DistillationLaw = DISTILLATION,
) -> float:
    """Size of the teacher that reaches `optimal_teacher_loss` when trained on `tokens_per_param` tokens a parameter.

    Often far above the fitted range. InputError where that loss is E, which takes an infinite teacher.
    """
    loss = optimal_teacher_loss(n_student, d_student, law=law)
    return teacher_params_for_loss(loss, tokens_per_param, law=law.supervised)


def capacity_gap_teacher(student_params: float) -> float:
    """Parameters of the best teacher for a student by the law of capacity gap.

    Found on students pruned from a teacher of the same family (GPT2 140M-1.6B, Pythia 70M-2.8B). InputError up to
    7.7M parameters, where the line puts the teacher below the student.
    """
    return _teacher_above(
        "capacity_gap_teacher", student_params, GAP_SLOPE * student_params + GAP_INTERCEPT
    )[1]


def capacity_gap_student(teacher_params: float) -> float:
    """The inverse of `capacity_gap_teacher`: parameters of the student for which this teacher is the best."""
    return _teacher_above(
        "capacity_gap_student", (teacher_params - GAP_INTERCEPT) / GAP_SLOPE, teacher_params
    )[0]


def capacity_gap_toy(alphas: Array, m: int, *, n: int, t: float, d: float) -> ToyErrors:
    """Exact errors in the paper's linear model of the gap (Lemmas C.1 and C.2), in which too good a teacher hurts.

    The target has coefficients `alphas`; the teacher is its best fit in the first `m` of them with norm at most `t`,
    the student the best fit to the teacher in the first `n` with norm at most `d`. InputError unless d <= t.
    """
    size = len(alphas)
    if not (1 <= m <= size and 1 <= n <= size and 0 < d <= t):
        got, expected = f"m={m}, n={n}, t={t}, d={d}", f"m and n from 1 to {size}, 0 < d <= t"
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


Law = TypeVar("Law", SupervisedLaw, DistillationLaw)


def _moved(law: Law, ends: tuple[Law, Law]) -> list[Law]:
    """The law with one coefficient at the low, then at the high end of its interval, each coefficient in turn."""
    return [
        replace(law, **{field.name: getattr(end, field.name)})
        for field in fields(law)
        for end in ends
    ]


def _quadrature(value: float, moved: list[float]) -> LossRange:
    """`moved`: a pair of losses for each coefficient, of which the one farther down and the one farther up count."""
    shifts = np.reshape(moved, (-1, 2)) - value
    down, up = np.minimum(shifts.min(axis=1), 0.0), np.maximum(shifts.max(axis=1), 0.0)
    return LossRange(value - float(np.linalg.norm(down)), value, value + float(np.linalg.norm(up)))


def _log_power_sum(n: float | Array, d: float | Array, law: SupervisedLaw | DistillationLaw) -> Any:
    """log(A / n^alpha + B / d^beta); the paper's eq 44 prints its alpha log n as alpha n."""
    return np.logaddexp(np.log(law.A) - law.alpha * np.log(n), np.log(law.B) - law.beta * np.log(d))


def _log_supervised(n: float | Array, d: float | Array, law: SupervisedLaw) -> Any:
    return np.logaddexp(np.log(law.E), law.gamma * _log_power_sum(n, d, law))


def _plain(value: Any) -> Any:
    """A float where every argument was one."""
    return float(value) if np.ndim(value) == 0 else value


def _teacher_above(where: str, student: float, teacher: float) -> tuple[float, float]:
    """Both sizes, where the line of the capacity gap has a meaning."""
    if not teacher > student:
        got, expected = (
            f"student {student:g}, teacher {teacher:g}",
            "a teacher larger than its student",
        )
        raise InputError(
            where,
            got=got,
            expected=expected,
            fix="give single parameters (not millions), above 7.7e6",
        )
    return student, teacher
