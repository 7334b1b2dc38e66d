"""The best split of compute between a teacher and a student, and where distilling pays.

The problem of Busbridge et al. 2025, Sec. 5.3: the lowest student loss over the teacher's size N_T
and tokens D_T and the student's tokens D_S, each from 1e6 to 1e17, with eq 9's operations equal to
the compute. In the best case a teacher of the best loss exists and costs nothing. The solver is
SciPy's SLSQP, as in the paper, from the best point of a grid.
"""

import functools
import math
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from dsbs.core.errors import InputError
from dsbs.core.require import require
from dsbs.scaling import laws
from dsbs.scaling.flops import SCENARIOS, decoder_flops_per_token, distillation_flops

Array = NDArray[Any]

LOW, HIGH = 1e6, 1e17  # bounds of N_T, D_T and D_S


class Split(NamedTuple):
    """How compute is spent best in one scenario."""

    student_tokens: float
    teacher_params: float | None
    """None where the teacher exists and costs nothing."""
    teacher_tokens: float | None
    teacher_loss: float
    student_loss: float


def best_split(compute: float, scenario: str, n_student: float) -> Split:
    """The split with the lowest student loss.

    Raises:
        InputError: where the compute does not pay for 1e6 student tokens.
    """
    per_token = 3 * decoder_flops_per_token(n_student)
    tokens = compute / per_token
    if not LOW < tokens <= HIGH:
        expected = (
            f"{LOW * per_token:.2g} to {HIGH * per_token:.2g}, which is 1e6 to 1e17 student tokens"
        )
        fix = "change the compute or the student"
        raise InputError("--compute", got=f"{compute:g}", expected=expected, fix=fix)
    if not any(SCENARIOS[scenario]):
        teacher = laws.optimal_teacher_loss(n_student, tokens)
        student = laws.student_loss(n_student, tokens, teacher_loss=teacher)
        return Split(tokens, None, None, teacher, student)
    return _polished(compute, scenario, n_student, _best_of_grid(compute, scenario, n_student)[1])


def trained_alone(compute: float, n_student: float) -> tuple[float, float]:
    """Tokens and loss of the student when the same compute trains it without a teacher."""
    tokens = compute / (3 * decoder_flops_per_token(n_student))
    return tokens, laws.supervised_loss(n_student, tokens)


def distilling_wins(scenario: str, n_student: float) -> list[tuple[float, float]]:
    """The ranges of compute in which distilling gives a lower loss than training alone.

    The search covers 1e8 to 1e16 tokens of training alone, in steps of 0.2 decades. Ends of ranges
    are exact to about 0.1 %.
    """
    computes = 3 * decoder_flops_per_token(n_student) * np.geomspace(1e8, 1e16, 41)
    wins = [_gain(compute, scenario, n_student, exact=False) > 0 for compute in computes]
    turns = [at for at in range(1, len(wins)) if wins[at] != wins[at - 1]]
    # The grid is a little too pessimistic about distilling, so a turn may lie one step earlier.
    between = [(computes[max(at - 2, 0)], computes[min(at + 1, 40)]) for at in turns]
    ends = [computes[0], *(_crossing(*pair, scenario, n_student) for pair in between), computes[-1]]
    starts = [0, *turns]
    return [(float(ends[i]), float(ends[i + 1])) for i, at in enumerate(starts) if wins[at]]


def _crossing(low: float, high: float, scenario: str, n_student: float) -> float:
    """The compute at which both losses are equal; the middle where the sign does not change."""
    from scipy.optimize import brentq

    def gain(log_compute: float) -> float:
        return _gain(math.exp(log_compute), scenario, n_student, exact=True)

    start, end = math.log(low), math.log(high)
    if gain(start) * gain(end) > 0:
        return math.sqrt(low * high)
    return math.exp(brentq(gain, start, end, xtol=1e-3))


def _gain(compute: float, scenario: str, n_student: float, *, exact: bool) -> float:
    """By how many nats distilling beats training alone; inexact: at the best point of the grid."""
    if exact or not any(SCENARIOS[scenario]):
        distilled = best_split(compute, scenario, n_student).student_loss
    else:
        distilled = _best_of_grid(compute, scenario, n_student)[0]
    return trained_alone(compute, n_student)[1] - distilled


@functools.cache
def _teachers() -> tuple[Array, Array, Array]:
    """A grid of teachers 0.1 decades apart.

    Returns sizes and tokens (steps,), operations per token (sizes, 1) and losses (sizes, tokens).
    """
    steps = np.geomspace(LOW, HIGH, 111)
    losses = laws.supervised_loss(steps[:, None], steps[None, :])
    return steps, decoder_flops_per_token(steps[:, None]), losses


def _best_of_grid(compute: float, scenario: str, n_student: float) -> tuple[float, list[float]]:
    """The student's loss and the logarithms of (N_T, D_T, D_S) at the best point of the grid."""
    charged = SCENARIOS[scenario]
    steps, forward, teacher = _teachers()
    left = compute - 3 * charged.pretraining * forward * steps
    tokens = left / (3 * decoder_flops_per_token(n_student) + charged.logits * forward)
    losses = laws.student_loss(np.asarray(n_student), np.maximum(tokens, LOW), teacher_loss=teacher)
    losses = np.where(tokens >= LOW, losses, np.inf)
    row, column = np.unravel_index(np.argmin(losses), losses.shape)
    best = (steps[row], steps[column], tokens[row, column])
    return float(losses[row, column]), [math.log(value) for value in best]


def _polished(compute: float, scenario: str, n_student: float, start: list[float]) -> Split:
    """SLSQP over the logarithms, from a point near the optimum."""
    require("scipy", "plan", needed_by="dsbs plan budget")
    from scipy.optimize import minimize

    def loss(point: Any) -> float:
        n_teacher, d_teacher, d_student = map(math.exp, point)
        teacher = laws.supervised_loss(n_teacher, d_teacher)
        return math.log(laws.student_loss(n_student, d_student, teacher_loss=teacher))

    def overspent(point: Any) -> float:
        n_teacher, d_teacher, d_student = map(math.exp, point)
        spent = distillation_flops(
            scenario, n_student, d_student=d_student, n_teacher=n_teacher, d_teacher=d_teacher
        )
        return math.log(spent / compute)

    bounds = [(math.log(LOW), math.log(HIGH))] * 3
    constraint = {"type": "eq", "fun": overspent}
    found = minimize(
        loss, start, method="SLSQP", bounds=bounds, constraints=constraint, options={"ftol": 1e-12}
    )
    better = abs(overspent(found.x)) < 1e-6 and found.fun <= loss(start)
    n_teacher, d_teacher, d_student = map(math.exp, found.x if better else start)
    teacher = laws.supervised_loss(n_teacher, d_teacher)
    student = laws.student_loss(n_student, d_student, teacher_loss=teacher)
    return Split(d_student, n_teacher, d_teacher, teacher, student)
