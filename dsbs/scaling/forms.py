"""The laws with their coefficients open: their logarithms and derivatives, for fitting.

Theta holds logarithms of factors and floors (log A, log B, log E, log d1) and the exponents as they
are. The grids of starts are those of Busbridge et al. 2025, App. F. There 0 stands for "no slope";
here it is moved off the bound.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]


class Form(NamedTuple):
    """A law with its coefficients open, in logarithms where nothing overflows."""

    names: tuple[str, ...]
    """The names of the coefficients."""
    grid: tuple[tuple[float, ...], ...]
    """For each coefficient, values to start from."""
    bounds: tuple[tuple[float, float], ...]
    """For each coefficient, its lowest and its highest value."""
    terms: tuple[tuple[int, int], ...]
    """For each size, the places in theta of its log factor and its exponent.

    Sizes are the first columns of x. They can be centered by this: a factor at the middle of the
    data is better determined than one at size 1.
    """
    log_loss: Callable[[Array, Array], tuple[Array, Array]]
    """From theta and x (rows, columns), where sizes are logarithms: the logarithm of the loss
    (rows,) and its derivatives (rows, coefficients)."""


_FACTOR = (-40.0, 40.0)
_EXPONENT = (0.02, 2.0)
_SLOPE = (0.05, 0.5, 1.0, 1.5)
_FACTORS = (0.0, 5.0, 10.0, 15.0, 20.0)


def _log_power_sum(
    theta: Array, x: Array, *, n: tuple[int, int], d: tuple[int, int]
) -> tuple[Array, Array, Array]:
    """log(A / n^alpha + B / d^beta), and the shares of its two terms, which are its derivatives."""
    first = theta[n[0]] - theta[n[1]] * x[:, 0]
    second = theta[d[0]] - theta[d[1]] * x[:, 1]
    total = np.logaddexp(first, second)
    return total, np.exp(first - total), np.exp(second - total)


def _supervised(theta: Array, x: Array) -> tuple[Array, Array]:
    """Eq 44: log L = LSE(log E, gamma LSE(log A - alpha log n, log B - beta log d)).

    The columns of x are log n and log d.
    """
    _, _, floor, _, _, gamma = theta
    power, share_n, share_d = _log_power_sum(theta, x, n=(0, 3), d=(1, 4))
    log_loss = np.logaddexp(floor, gamma * power)
    above = np.exp(gamma * power - log_loss)
    sides = (above * gamma * share_n, above * gamma * share_d)
    slopes = [
        *sides,
        np.exp(floor - log_loss),
        -sides[0] * x[:, 0],
        -sides[1] * x[:, 1],
        above * power,
    ]
    return log_loss, np.stack(slopes, axis=1)


def _distillation(theta: Array, x: Array) -> tuple[Array, Array]:
    """The student's law, eq 49.

    The columns of x are log n, log d, log L_T and the logarithm of the supervised loss Ls.
    """
    _, _, _, _, gamma, c0, c1, f1, log_d1 = theta
    log_teacher = x[:, 2]
    log_alone = x[:, 3]
    power, share_n, share_d = _log_power_sum(theta, x, n=(0, 2), d=(1, 3))
    turn = (log_teacher - log_alone - log_d1) / f1
    softplus = np.logaddexp(0.0, turn)
    beyond = np.exp(turn - softplus)
    excess = -c0 * log_teacher - c1 * f1 * softplus + gamma * power
    log_loss = np.logaddexp(log_teacher, excess)
    sides = (gamma * share_n, gamma * share_d)
    slopes = [*sides, -sides[0] * x[:, 0], -sides[1] * x[:, 1], power]
    slopes += [-log_teacher, -f1 * softplus, -c1 * (softplus - beyond * turn), c1 * beyond]
    return log_loss, np.exp(excess - log_loss)[:, None] * np.stack(slopes, axis=1)


def _curve(theta: Array, x: Array) -> tuple[Array, Array]:
    """log(floor + B / d^beta): the supervised law of one model size, with gamma inside beta.

    The column of x is log d.
    """
    floor, factor, beta = theta
    falling = factor - beta * x[:, 0]
    log_loss = np.logaddexp(floor, falling)
    above = np.exp(falling - log_loss)
    return log_loss, np.stack([np.exp(floor - log_loss), above, -above * x[:, 0]], axis=1)


SUPERVISED = Form(
    names=("log A", "log B", "log E", "alpha", "beta", "gamma"),
    grid=(_FACTORS, _FACTORS, (-1.0, -0.5, 0.0, 0.5, 1.0, 1.5), _SLOPE, _SLOPE, _SLOPE),
    bounds=(_FACTOR, _FACTOR, (-6.0, 6.0), _EXPONENT, _EXPONENT, _EXPONENT),
    terms=((0, 3), (1, 4)),
    log_loss=_supervised,
)
DISTILLATION = Form(
    names=("log A", "log B", "alpha", "beta", "gamma", "c0", "c1", "f1", "log d1"),
    grid=(_FACTORS, _FACTORS, *[_SLOPE[:3]] * 3, *[_SLOPE] * 3, (-1.0, -0.5, 0.0, 0.5, 1.0)),
    bounds=(
        _FACTOR,
        _FACTOR,
        *[_EXPONENT] * 3,
        (-10.0, 10.0),
        (0.0, 1000.0),
        (0.02, 4.0),
        (-3.0, 3.0),
    ),
    terms=((0, 2), (1, 3)),
    log_loss=_distillation,
)
CURVE = Form(
    names=("log floor", "log B", "beta"),
    grid=((-4.0, -2.0, -1.0), (-1.0, 0.0, 2.0, 5.0), (0.1, 0.3, 0.6, 1.0, 1.5)),
    bounds=((-9.0, 0.0), _FACTOR, (0.05, 3.0)),
    terms=((1, 2),),
    log_loss=_curve,
)
