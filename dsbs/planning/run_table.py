"""A user's table of training runs, which a law is fitted to."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from dsbs.core.errors import InputError
from dsbs.core.sizes import parse_size
from dsbs.data.readers import read_rows

Array = NDArray[Any]


class TrainingRuns(NamedTuple):
    """Runs, each column (rows,)."""

    n: Array
    """Parameters without embeddings."""
    d: Array
    """Tokens."""
    teacher_loss: Array
    """nan for runs without a teacher."""
    loss: Array
    """The loss reached."""

    @property
    def logs(self) -> Array:
        """Logarithms of both sizes, (rows, 2)."""
        logs: Array = np.log(np.column_stack([self.n, self.d]))
        return logs

    def kept(self, rows: Array) -> "TrainingRuns":
        """The runs for which `rows` is true."""
        return TrainingRuns(*(column[rows] for column in self))


def read_runs(path: Path) -> TrainingRuns:
    """The runs of a CSV, JSON lines or Parquet file.

    Its columns are N, D, L_S and, for distilled students, L_T.

    Raises:
        InputError: with the place of a missing column, or of a cell that is not a number above 0.
    """
    found = [
        [_number(row, key, where, optional=key == "L_T") for key in ("N", "D", "L_T", "L_S")]
        for where, row in read_rows(path)
    ]
    return TrainingRuns(*np.array(found).T)


def _number(row: Mapping[str, Any], key: str, where: str, *, optional: bool) -> float:
    given = row.get(key)
    if optional and (given is None or str(given).strip() == ""):
        return float("nan")
    try:
        return parse_size(given)
    except ValueError as error:
        got = f"{key} {given!r}" if key in row else f"no column {key}, only {', '.join(row)}"
        fix = "columns are N, D, L_S and L_T"
        raise InputError(where, got=got, expected=str(error), fix=fix) from None
