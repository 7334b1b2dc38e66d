"""What twice the data and a bigger student each bring, for students of several sizes."""

from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from dsbs.planning.plan import Estimate, Part
from dsbs.scaling.fitting import SAMPLES, Interval, fit, interval
from dsbs.scaling.forms import SUPERVISED
from dsbs.scaling.learning_curves import MIN_FRACTIONS, Curve

Array = NDArray[Any]

_TIMES = 2.0  # as much data, or as large a student


class Start(Part):
    """The student and rows from which growth is measured."""

    student: str
    params: float
    rows: float


class Gain(Part):
    """What one way to grow brings."""

    to: float
    """Rows of more data, parameters of a bigger student."""
    gain: Estimate
    """In accuracy."""


class Gains(Part):
    """Both ways to grow, beside each other."""

    start: Start
    more_data: Gain
    bigger_student: Gain
    difference: Estimate
    """By how much the bigger student gains more."""
    pays_more: Literal["bigger student", "more data"] | None
    """None where the interval of the difference includes 0."""


class Growth(Part):
    """The answer for one method and label source: gains, or why there are none."""

    method: str
    labels: str
    gains: Gains | None = None
    refused: str | None = None


def compare_growth(curves: Sequence[Curve], *, seed: int = 0, samples: int = SAMPLES) -> Growth:
    """What twice the data and a bigger student gain, for curves that differ only in the student.

    With three or more sizes, growth starts at the largest student and ends at one twice its size.
    With two sizes it goes from the smaller to the larger, because two points do not determine a law
    of size.
    """
    known = [
        (float(curve.params), curve)
        for curve in curves
        if curve.params and len(curve.sizes) >= MIN_FRACTIONS
    ]
    sizes = sorted({params for params, _ in known})
    method = curves[0].method
    labels = curves[0].labels
    if len(sizes) < 2:
        refused = (
            f"{len(sizes)} student size{'s' * (len(sizes) != 1)} with {MIN_FRACTIONS} or more "
            "fractions; two or more are needed"
        )
        return Growth(method=method, labels=labels, refused=refused)
    params = sizes[-1] if len(sizes) > 2 else sizes[-2]
    bigger = _TIMES * params if len(sizes) > 2 else sizes[-1]
    base = next(curve for size, curve in known if size == params)
    rows = float(base.sizes[-1])
    if base.limit < _TIMES * rows:
        refused = f"the rows tried span too little to forecast {_TIMES:g} times as many"
        return Growth(method=method, labels=labels, refused=refused)
    start = Start(student=base.student, params=params, rows=rows)
    ordered = [curve for _, curve in sorted(known, key=lambda one: one[0])]
    gains = _gains(ordered, start, bigger, seed=seed, samples=samples)
    return Growth(method=method, labels=labels, gains=gains)


def _gains(
    curves: Sequence[Curve], start: Start, bigger: float, *, seed: int, samples: int
) -> Gains:
    """From one fit of the supervised law's form to all curves."""
    sizes = [np.stack([np.full_like(c.rows, c.params), c.rows], axis=1) for c in curves]
    error = np.concatenate([1 - curve.accuracy for curve in curves])
    x = np.log(np.concatenate(sizes))
    fitted = fit(SUPERVISED, x, error, residual="plain", seed=seed, samples=samples)
    more_rows = _TIMES * start.rows
    points = np.log([[start.params, start.rows], [start.params, more_rows], [bigger, start.rows]])
    value = fitted.value(points)
    drawn = fitted.sampled(points)
    difference = interval(value[1] - value[2], drawn[:, 1] - drawn[:, 2])
    return Gains(
        start=start,
        more_data=Gain(to=more_rows, gain=_gain(value, drawn, 1)),
        bigger_student=Gain(to=bigger, gain=_gain(value, drawn, 2)),
        difference=Estimate.of(difference),
        pays_more=_pays_more(difference),
    )


def _gain(value: Array, drawn: Array, at: int) -> Estimate:
    """By how much the error falls from the first point to this one."""
    return Estimate.of(interval(value[0] - value[at], drawn[:, 0] - drawn[:, at]))


def _pays_more(difference: Interval) -> Literal["bigger student", "more data"] | None:
    if difference.low > 0:
        return "bigger student"
    return "more data" if difference.high < 0 else None
