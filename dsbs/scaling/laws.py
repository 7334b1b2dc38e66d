"""The loss to expect of a student, from its size, its data and its teacher's loss.

Distillation scaling laws (Busbridge et al. 2025, arXiv 2502.08606). Losses are cross-entropies in
nats per token on C4 English. Sizes are parameters without embeddings (n) and tokens (d). The form
holds for logit distillation of decoder-only transformers. For other models and data the published
coefficients order the options at best, so a refitted law can be passed in their place.
"""

import math
from dataclasses import fields, replace
from typing import Any, NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

from dsbs.core.errors import InputError, check_positive
from dsbs.scaling.coefficients import (
    DISTILLATION,
    DISTILLATION_90,
    SUPERVISED,
    SUPERVISED_90,
    TOKENS_PER_PARAM,
    DistillationLaw,
    SupervisedLaw,
)

Array = NDArray[Any]
Sizes = TypeVar("Sizes", float, Array)  # floats give a float, arrays an array


class LossRange(NamedTuple):
    """A predicted loss between the ends of its range, in nats per token."""

    low: float
    value: float
    high: float


def supervised_loss(n: Sizes, d: Sizes, *, law: SupervisedLaw = SUPERVISED) -> Sizes:
    """Loss of a model of `n` parameters trained on `d` tokens (eqs 1 and 44).

    Floats give a float, arrays broadcast, and math.inf gives the limit. InputError where a size is
    not above 0.
    """
    check_positive("supervised_loss", n=n, d=d)
    loss: Sizes = _plain(np.exp(_log_supervised(n, d, law)))
    return loss


def student_loss(
    n_student: Sizes, d_student: Sizes, *, teacher_loss: Sizes, law: DistillationLaw = DISTILLATION
) -> Sizes:
    """Loss of a student of `n_student` parameters distilled on `d_student` tokens (eqs 8 and 49).

    With T the teacher's loss, Ls the supervised loss at the student's size and tokens, and ' the
    distillation coefficients, it is
    T + T^-c0 (1 + (T / (Ls d1))^(1/f1))^(-c1 f1) (A'/n^alpha' + B'/d^beta')^gamma'.
    It is computed in logarithms, where nothing overflows. It is never below T, though the paper saw
    students beat weak teachers. Floats give a float, arrays broadcast. InputError where a size or
    the teacher's loss is not above 0.
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

    Each coefficient is moved alone to either end of its interval. Shifts up and shifts down are
    added in quadrature. That is no joint interval: the coefficients were fitted together and are
    correlated, and the paper does not publish its bootstrap samples. The error of leaving the
    fitted range is not included.
    """
    laws = _moved(SUPERVISED, SUPERVISED_90)
    return _quadrature(supervised_loss(n, d), [supervised_loss(n, d, law=law) for law in laws])


def student_loss_range(n_student: float, d_student: float, *, teacher_loss: float) -> LossRange:
    """`student_loss` with the range of the intervals of both laws, as in `supervised_loss_range`.

    The teacher's loss counts as exact.
    """
    laws = _moved(DISTILLATION, DISTILLATION_90)
    laws += [replace(DISTILLATION, supervised=law) for law in _moved(SUPERVISED, SUPERVISED_90)]
    value, *moved = (
        student_loss(n_student, d_student, teacher_loss=teacher_loss, law=law)
        for law in (DISTILLATION, *laws)
    )
    return _quadrature(value, moved)


def optimal_teacher_loss(
    n_student: float, d_student: float, *, law: DistillationLaw = DISTILLATION
) -> float:
    """The teacher's loss that gives the student its lowest loss (the paper's best case).

    It is at least E, and exactly E where no teacher is too good for the student. The minimum is
    flat.
    """
    n = np.asarray(n_student)
    d = np.asarray(d_student)
    low = law.supervised.E
    alone = supervised_loss(n_student, d_student, law=law.supervised)
    high = 2 * law.d1 * alone  # beyond the law's transition
    for _ in range(4):  # each pass makes the bracket 500 times smaller
        losses = np.linspace(low, high, 1001)
        best = int(np.argmin(student_loss(n, d, teacher_loss=losses, law=law)))
        low, high = losses[max(best - 1, 0)], losses[min(best + 1, 1000)]
    return float(losses[best])


def teacher_params_for_loss(
    loss: float, tokens_per_param: float = TOKENS_PER_PARAM, *, law: SupervisedLaw = SUPERVISED
) -> float:
    """Parameters of the model that reaches `loss` on `tokens_per_param` tokens per parameter.

    Raises:
        InputError: where no model of 1 to 1e30 parameters does: at E or below, or above the loss of
            a single parameter.
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
    while high / low > 1 + 1e-12:  # bisection: the loss falls with size
        middle = math.sqrt(low) * math.sqrt(high)
        if supervised_loss(middle, tokens_per_param * middle, law=law) > loss:
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
    """Parameters of the teacher that reaches `optimal_teacher_loss`.

    The teacher is trained on `tokens_per_param` tokens per parameter. The result is often far above
    the fitted range. InputError where the best loss is E, which takes an infinite teacher.
    """
    loss = optimal_teacher_loss(n_student, d_student, law=law)
    return teacher_params_for_loss(loss, tokens_per_param, law=law.supervised)


Law = TypeVar("Law", SupervisedLaw, DistillationLaw)


def _moved(law: Law, ends: tuple[Law, Law]) -> list[Law]:
    """The law with each coefficient in turn at the low, then at the high end of its interval."""
    return [
        replace(law, **{field.name: getattr(end, field.name)})
        for field in fields(law)
        for end in ends
    ]


def _quadrature(value: float, moved: list[float]) -> LossRange:
    """`moved` holds two losses per coefficient; the lowest and highest shift of each count."""
    shifts = np.reshape(moved, (-1, 2)) - value
    down = float(np.linalg.norm(np.minimum(shifts.min(axis=1), 0.0)))
    up = float(np.linalg.norm(np.maximum(shifts.max(axis=1), 0.0)))
    return LossRange(value - down, value, value + up)


def _log_power_sum(n: float | Array, d: float | Array, law: SupervisedLaw | DistillationLaw) -> Any:
    """log(A / n^alpha + B / d^beta). Eq 44 misprints alpha n for alpha log n."""
    size = np.log(law.A) - law.alpha * np.log(n)
    data = np.log(law.B) - law.beta * np.log(d)
    return np.logaddexp(size, data)


def _log_supervised(n: float | Array, d: float | Array, law: SupervisedLaw) -> Any:
    return np.logaddexp(np.log(law.E), law.gamma * _log_power_sum(n, d, law))


def _plain(value: Any) -> Any:
    """A float where every argument was one."""
    return float(value) if np.ndim(value) == 0 else value
