"""Stored answers in files for other programs: JSON lines, and Parquet with the same rows."""

import json
from collections.abc import Iterable, Sequence
from pathlib import Path

from dsbs.artifacts.store_queries import EXPORTED, NUMBERS, Row
from dsbs.core.files import replacing

_to_json = json.JSONEncoder(ensure_ascii=False).encode


def write_json_lines(pages: Iterable[Sequence[Row]], path: Path) -> int:
    """Write answers as JSON lines, which `generate --answers-from` reads; returns their number."""
    count = 0
    with replacing(path) as partial, partial.open("w", encoding="utf-8") as file:
        for page in pages:
            file.writelines(map(_line, page))
            count += len(page)
    return count


def write_parquet(pages: Iterable[Sequence[Row]], path: Path) -> int:
    """Write answers as Parquet; returns their number."""
    import pyarrow as pa  # not above: --help shall not wait for it
    import pyarrow.parquet as pq

    schema = pa.schema(
        [(name, pa.int64() if name in NUMBERS else pa.string()) for name in EXPORTED]
    )
    count = 0
    with replacing(path) as partial, pq.ParquetWriter(partial, schema) as writer:
        for page in pages:
            columns = zip(schema, zip(*page, strict=True), strict=True)
            arrays = [pa.array(values, field.type) for field, values in columns]
            writer.write_table(pa.Table.from_arrays(arrays, schema=schema))
            count += len(page)
    return count


def _line(row: Row) -> str:
    return _to_json(dict(zip(EXPORTED, row, strict=True))) + "\n"
