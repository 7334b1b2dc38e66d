"""Stored answers in files for other programs: JSON lines, and Parquet with the same rows."""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from dsbs.artifacts.results.answers import StoredAnswer
from dsbs.core.files import replacing
from dsbs.core.iteration import batched

_NUMBERS = ("sample", "prompt_tokens", "completion_tokens")
_ROWS_PER_WRITE = 1000

_to_json = json.JSONEncoder(ensure_ascii=False).encode


def write_json_lines(answers: Iterable[StoredAnswer], path: Path) -> int:
    """Write answers as JSON lines, which `generate --answers-from` reads; returns their number."""
    count = 0
    with replacing(path) as partial, partial.open("w", encoding="utf-8") as file:
        for answer in answers:
            file.write(_to_json(_row(answer)) + "\n")
            count += 1
    return count


def write_parquet(answers: Iterable[StoredAnswer], path: Path) -> int:
    """Write answers as Parquet; returns their number."""
    import pyarrow as pa  # not above: --help shall not wait for it
    import pyarrow.parquet as pq

    names = [name for name in StoredAnswer.model_fields if name != "error"]
    schema = pa.schema([(name, pa.int64() if name in _NUMBERS else pa.string()) for name in names])
    count = 0
    with replacing(path) as partial, pq.ParquetWriter(partial, schema) as writer:
        for batch in batched(answers, _ROWS_PER_WRITE):
            writer.write_table(pa.Table.from_pylist([_row(one) for one in batch], schema=schema))
            count += len(batch)
    return count


def _row(answer: StoredAnswer) -> dict[str, Any]:
    """The columns of a file. Every row of it has an answer, so there is no `error`."""
    return answer.model_dump(exclude={"error"})
