"""The predictions of a split as a Parquet file beside its scores: raw text, label and verdict of every example."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from dsbs.core.errors import InputError
from dsbs.core.records import Prediction

PREDICTIONS = "predictions.parquet"

_FIELDS = tuple(Prediction.__dataclass_fields__)
_TEXT = frozenset(_FIELDS) - {"correct"}


def write_predictions(path: Path, predictions: Sequence[Prediction]) -> None:
    """One row a prediction, in order; `scores` as JSON."""
    import pyarrow as pa  # not above: --help shall not wait for it
    import pyarrow.parquet as pq

    columns = {name: [getattr(p, name) for p in predictions] for name in _FIELDS}
    columns["scores"] = [
        None if scores is None else json.dumps(scores) for scores in columns["scores"]
    ]
    schema = pa.schema([(name, pa.string() if name in _TEXT else pa.bool_()) for name in _FIELDS])
    pq.write_table(pa.table(columns, schema=schema), path)


def read_predictions(path: Path) -> list[Prediction]:
    """The predictions as written; scoring them again gives the stored scores."""
    rows = _read(path, _FIELDS).to_pylist()
    return [
        Prediction(**{**row, "scores": json.loads(row["scores"]) if row["scores"] else None})
        for row in rows
    ]


def read_verdicts(path: Path) -> dict[str, bool]:
    """Whether each example was answered right, by example id, in order."""
    table = _read(path, ("example_id", "correct"))
    return dict(
        zip(table["example_id"].to_pylist(), map(bool, table["correct"].to_pylist()), strict=True)
    )


def _read(path: Path, columns: Sequence[str]) -> Any:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        return pq.read_table(path, columns=list(columns))
    except (OSError, pa.ArrowException) as error:
        raise InputError(
            path,
            got=error,
            expected="predictions of dsbs evaluate",
            fix="measure the student again",
        ) from None
