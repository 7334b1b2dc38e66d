"""A bigger student or more data: the supervised law's form refitted on the error of all sizes of one method.

The teacher is the same for all cells of a comparison, so its loss is a constant in the distillation law and what is left of
the law over size and data is the supervised form. Errors stand in for losses; see docs/planning.md for what that costs.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dsbs.planning.curves import MIN_FRACTIONS, Curve
from dsbs.planning.fitting import SAMPLES, Interval, fit, interval
from dsbs.planning.forms import SUPERVISED

Array = NDArray[Any]

_TIMES = 2.0


def compare_growth(curves: Sequence[Curve], *, seed: int = 0, samples: int = SAMPLES) -> dict[str, Any]:
    """What twice the data and a bigger student each gain in accuracy, for curves that differ only in the student.

    From the largest student to one twice its size where three sizes were tried; with two sizes from the smaller to the
    larger, because two points bear no law of size. `pays_more` is None where the interval of the difference takes in 0;
    `refused` says why nothing is answered.
    """
    known = sorted((c for c in curves if c.params and len(c.sizes) >= MIN_FRACTIONS), key=lambda c: c.params or 0)
    sizes = sorted({curve.params for curve in known if curve.params})
    about = {"method": curves[0].method, "labels": curves[0].labels}
    if len(sizes) < 2:
        reason = f"{len(sizes)} student size{'s' * (len(sizes) != 1)} with {MIN_FRACTIONS} or more fractions; two or more bear it"
        return about | {"refused": reason}
    base = next(c for c in known if c.params == sizes[-1 if len(sizes) > 2 else -2])
    params = float(base.params or 0)
    bigger = _TIMES * params if len(sizes) > 2 else sizes[-1]
    rows = float(base.sizes[-1])
    if base.limit < _TIMES * rows:
        return about | {"refused": f"the rows tried span too little to say what {_TIMES:g} times as many bring"}
    x = np.concatenate([np.log(np.stack([np.full_like(c.rows, c.params), c.rows], axis=1)) for c in known])
    error = np.concatenate([1 - curve.accuracy for curve in known])
    fitted = fit(SUPERVISED, x, error, residual="plain", resample="residuals", seed=seed, samples=samples)
    points = np.log([[params, rows], [params, _TIMES * rows], [bigger, rows]])
    value, drawn = fitted.value(points), fitted.sampled(points)
    data, size = (_gain(value, drawn, at) for at in (1, 2))
    difference = Interval(*map(float, interval(value[1] - value[2], drawn[:, 1] - drawn[:, 2])))
    return about | {
        "from": {"student": base.student, "params": params, "rows": rows},
        "more_data": {"rows": _TIMES * rows, "gain": data._asdict()},
        "bigger_student": {"params": bigger, "gain": size._asdict()},
        "difference": difference._asdict(),
        "pays_more": "bigger student" if difference.low > 0 else "more data" if difference.high < 0 else None,
    }


def _gain(value: Array, drawn: Array, at: int) -> Interval:
    """By how much the error falls from the first point to this one."""
    return Interval(*map(float, interval(value[0] - value[at], drawn[:, 0] - drawn[:, at])))
