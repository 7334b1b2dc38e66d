"""Predictions on disk: as a Parquet file beside the scores of a split, and as JSON lines."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Self

from pydantic import BaseModel, SerializerFunctionWrapHandler, model_serializer

from dsbs.core.errors import InputError
from dsbs.core.files import replacing
from dsbs.core.records import Prediction

PREDICTIONS = "predictions.parquet"

_FIELDS = tuple(Prediction.__dataclass_fields__)
_TEXT = frozenset(_FIELDS) - {"correct"}


class PredictedLine(BaseModel):
    """One line that `predict` writes. Fields that were not requested are absent."""

    id: str | int | float
    label: str | None
    """None where the student's text has no readable label."""
    rationale: str | None = None
    scores: Mapping[str, float] | None = None
    """Log-likelihoods of the allowed labels."""
    local: bool = True
    """Whether the student answers by its contract. Else the label is the teacher's, or None."""
    score: float | None = None
    """What the contract's threshold is compared with."""
    student_label: str | None = None
    """What the student would have answered."""

    @classmethod
    def of(
        cls, identity: str | int | float, prediction: Prediction, *, explain: bool, scores: bool
    ) -> Self:
        """The line of a prediction, with the id that its row came with."""
        line = cls(id=identity, label=prediction.label)
        wanted: dict[str, Any] = {"rationale": prediction.rationale} if explain else {}
        if scores:
            wanted["scores"] = prediction.scores
        return line.model_copy(update=wanted)

    def in_cascade(self, *, local: bool, score: float, teacher_label: str | None = None) -> Self:
        """The line under a contract: the student's label where it is local, else the teacher's."""
        return self.model_copy(
            update={
                "label": self.label if local else teacher_label,
                "local": local,
                "score": score,
                "student_label": self.label,
            }
        )

    @model_serializer(mode="wrap")
    def _wanted_fields(self, handler: SerializerFunctionWrapHandler) -> dict[str, Any]:
        return {
            name: value for name, value in handler(self).items() if name in self.model_fields_set
        }


def write_predictions(path: Path, predictions: Sequence[Prediction]) -> None:
    """One row per prediction, in order; `scores` as JSON."""
    import pyarrow as pa  # not above: --help shall not wait for it
    import pyarrow.parquet as pq

    columns = {name: [getattr(p, name) for p in predictions] for name in _FIELDS}
    columns["scores"] = [
        None if scores is None else json.dumps(scores) for scores in columns["scores"]
    ]
    schema = pa.schema([(name, pa.string() if name in _TEXT else pa.bool_()) for name in _FIELDS])
    with replacing(path) as partial:
        pq.write_table(pa.table(columns, schema=schema), partial)


def read_predictions(path: Path) -> list[Prediction]:
    """The predictions as written. Scoring them again gives the stored scores."""
    rows = _read(path, _FIELDS).to_pylist()
    try:
        return [
            Prediction(**{**row, "scores": json.loads(row["scores"]) if row["scores"] else None})
            for row in rows
        ]
    except (ValueError, TypeError, RecursionError) as error:
        raise _damaged(path, error) from None


def read_verdicts(path: Path) -> dict[str, bool]:
    """Whether the prediction of each example is right, by example id, in order."""
    table = _read(path, ("example_id", "correct"))
    ids = table["example_id"].to_pylist()
    return dict(zip(ids, map(bool, table["correct"].to_pylist()), strict=True))


def read_input_hashes(path: Path) -> dict[str, str | None]:
    """What was read of each row, as a hash, by example id."""
    table = _read(path, ("example_id", "input_hash"))
    return dict(zip(table["example_id"].to_pylist(), table["input_hash"].to_pylist(), strict=True))


def read_groups(path: Path) -> dict[str, str]:
    """The group of each example that has one, by example id."""
    table = _read(path, ("example_id", "group"))
    rows = zip(table["example_id"].to_pylist(), table["group"].to_pylist(), strict=True)
    return {example: group for example, group in rows if group is not None}


def _read(path: Path, columns: Sequence[str]) -> Any:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        table = pq.read_table(path, columns=list(columns))
        table.validate(full=True)  # damaged text too
        return table
    except (OSError, pa.ArrowException) as error:
        raise _damaged(path, error) from None


def _damaged(path: Path, error: Exception) -> InputError:
    return InputError(
        path,
        got=error,
        expected="predictions of dsbs evaluate",
        fix="measure the student again",
    )
