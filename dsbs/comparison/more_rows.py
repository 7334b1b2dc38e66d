"""How many training rows a candidate would need, by its learning curve."""

from collections.abc import Sequence

import numpy as np

from dsbs.artifacts.results.cells import CellResult
from dsbs.artifacts.results.verdict import Candidate, MoreRows
from dsbs.comparison.cells import done_cells, share_of
from dsbs.scaling.learning_curves import MIN_FRACTIONS, Curve, backtest, fit_curve, rows_for

_FEWEST = 5
"""Cells that a curve with three coefficients needs."""


def rows_to_reach(
    cells: Sequence[CellResult], candidate: Candidate, accuracy: float
) -> MoreRows | None:
    """The rows from which on the candidate is expected to reach an accuracy.

    None where its curve cannot tell: fewer than four fractions, a forecast that fails for the
    largest of them, or an expectation beyond what a curve is ever trusted with.
    """
    own = [
        cell
        for cell in done_cells(cells)
        if (cell.student, cell.labels, cell.method, cell.equal)
        == (candidate.student, candidate.labels, candidate.method, candidate.equal)
        and cell.n_train
    ]
    rows = np.array([cell.n_train for cell in own], dtype=float)
    if len(np.unique(rows)) < MIN_FRACTIONS or len(own) < _FEWEST:
        return None
    curve = Curve(
        student=candidate.student,
        method=candidate.method,
        labels=candidate.labels,
        params=None,
        rows=rows,
        accuracy=np.array([share_of(cell) for cell in own]),
        full_rows=float(rows.max()),
    )
    tested = backtest(curve)
    found = rows_for(fit_curve(curve), accuracy)
    if (tested and not tested.trusted) or found.value > curve.limit:
        return None
    high = round(found.high) if np.isfinite(found.high) else None
    return MoreRows(low=round(found.low), high=high)
