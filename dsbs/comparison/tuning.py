"""The search for a learning rate, the same for every method."""

from collections.abc import Callable, Hashable, Sequence
from typing import NamedTuple

from dsbs.artifacts.results.compare import Tuned
from dsbs.artifacts.results.train import TrainResult
from dsbs.comparison.cell import Cell
from dsbs.comparison.cells import grouped
from dsbs.core.errors import InputError

TRIED_RATES = (1.0, 1 / 3, 3.0)
"""Factors of the given or preset learning rate. The first wins where several are equally good.

At the paper's 5e-5, T5 v1.1 often never leaves chance on plain labels; its authors' own setting
amounts to 1e-4.
"""


class Tuning(NamedTuple):
    """The cells at the chosen learning rates, and every rate that was tried."""

    cells: list[Cell]
    tried: list[Tuned]


def tune(cells: Sequence[Cell], train: Callable[[Cell], TrainResult | None]) -> Tuning:
    """Choose a learning rate for each kind of cell: student, labels, method and `equal`.

    Each rate is tried once, on the largest fraction with the first seed, and the best accuracy on
    validation wins. The training that wins is the cell's own: it is not repeated.

    Args:
        cells: Those of the grid, seeds innermost.
        train: Trains a cell; None if that failed.

    Raises:
        InputError: Validation has no labels to choose by.
    """
    best: dict[tuple[Hashable, ...], float] = {}
    tried: list[Tuned] = []
    for alike in grouped(cells, lambda cell: cell.kind):
        cell = max(alike, key=lambda cell: cell.key.data_frac)
        rates = [float(f"{cell.learning_rate * factor:.3g}") for factor in TRIED_RATES]
        rows = [_try(cell.with_rate(rate), train) for rate in rates]
        chosen = max(rows, key=_validation_accuracy)
        best[cell.kind] = chosen.learning_rate
        tried += [row.model_copy(update={"chosen": row is chosen}) for row in rows]
    return Tuning([cell.with_rate(best[cell.kind]) for cell in cells], tried)


def _try(cell: Cell, train: Callable[[Cell], TrainResult | None]) -> Tuned:
    found = cell.tried(train(cell))
    if found.status == "done" and found.validation_accuracy is None:
        raise InputError(
            "--tune lr",
            got="no labeled validation rows",
            expected="some to choose by",
            fix="label validation rows, or leave out --tune",
        )
    return found


def _validation_accuracy(row: Tuned) -> float:
    return -1.0 if row.validation_accuracy is None else row.validation_accuracy
