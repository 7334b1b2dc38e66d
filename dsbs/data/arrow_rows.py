"""Rows of Parquet files and of data sets of the `datasets` library.

Class labels come with their names.
"""

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from dsbs.core.errors import InputError
from dsbs.core.require import require
from dsbs.tasks.task import HubSource

_ROWS_AT_ONCE = 1024

GoldNames = Mapping[str, tuple[str, ...]]
"""Columns whose integer labels a task names itself, with these names."""


def read_parquet(path: Path, gold_names: GoldNames) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """The rows of a Parquet file. InputError where it cannot be read."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    if path.suffix.lower() != ".parquet":
        raise InputError(
            path, got="a packed Parquet file", expected="one that is not packed", fix="unpack it"
        )
    try:
        file = pq.ParquetFile(path)
        batches = file.iter_batches(batch_size=_ROWS_AT_ONCE)
        yield from arrow_rows(batches, class_names(file.schema_arrow), gold_names, str(path))
    except (OSError, ValueError, KeyError, pa.ArrowException) as error:
        raise InputError(
            path, got=error, expected="a readable Parquet file", fix="check how it was written"
        ) from None


def read_data_set(
    source: HubSource, split: str, gold_names: GoldNames
) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """The rows of one split of a hub data set, or of a folder that `datasets` saved.

    Raises:
        InputError: where `datasets` is not installed or cannot load it.
    """
    rows = _load(source, split)
    names = {
        column: tuple(feature.names)
        for column, feature in rows.features.items()
        if type(feature).__name__ == "ClassLabel"
    }
    batches = rows.with_format("arrow").iter(batch_size=_ROWS_AT_ONCE)
    where = f"{source.path}[{split}]"
    try:
        yield from arrow_rows(batches, names, gold_names, where)
    except InputError:
        raise
    except Exception as error:  # the library raises many kinds for files that are damaged
        raise InputError(
            where, got=error, expected="rows that can be read", fix="save the data set again"
        ) from None


def _load(source: HubSource, split: str) -> Any:
    datasets = require("datasets", "train", needed_by=f"the data set {source.path}")
    folder = Path(source.path)
    try:
        if (folder / "dataset_dict.json").is_file():
            return datasets.load_from_disk(source.path)[split]
        if (folder / "dataset_info.json").is_file():
            return datasets.load_from_disk(source.path)
        return datasets.load_dataset(
            source.path, source.name, revision=source.revision, split=split
        )
    except Exception as error:  # files, network and the library's own checks: many kinds
        raise InputError(
            f"data set {source.path}",
            got=f"{type(error).__name__}: {error}",
            expected=f"a split {split!r} that loads",
            fix="check name, splits and network, or give local files with --data",
        ) from None


def arrow_rows(
    batches: Iterable[Any], names: GoldNames, gold_names: GoldNames, where: str
) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """The rows of Arrow batches.

    Integers of a class-label column become its names, -1 becomes None.

    Columns that a task names itself (`gold_names`) keep their integers.

    Raises:
        InputError: for columns of one name, values that cannot be read, and two lists of names in
            another order.
    """
    _check_order(names, gold_names, where)
    named = {column: names[column] for column in names.keys() - gold_names.keys()}
    number = 0
    for batch in batches:
        _check_columns(batch.schema, where)
        for row in _plain_rows(batch, where, number):
            for column, known in named.items():
                row[column] = _class_name(row[column], known, f"{where}[{number}]", column)
            yield f"{where}[{number}]", row
            number += 1


def class_names(schema: Any) -> dict[str, tuple[str, ...]]:
    """The names of class-label columns that `datasets` wrote into an Arrow schema."""
    written = (schema.metadata or {}).get(b"huggingface")
    try:
        features = json.loads(written)["info"]["features"] if written else {}
        return {
            column: tuple(map(str, feature["names"]))
            for column, feature in features.items()
            if isinstance(feature, dict) and feature.get("_type") == "ClassLabel"
        }
    except (ValueError, KeyError, TypeError, AttributeError):
        return {}


def _plain_rows(batch: Any, where: str, number: int) -> list[dict[str, Any]]:
    """Python values. Times to the nanosecond lose what Python's own cannot hold."""
    import pyarrow as pa

    for at, field in enumerate(batch.schema):
        if pa.types.is_timestamp(field.type) and field.type.unit == "ns":
            cast = batch.column(at).cast(pa.timestamp("us", field.type.tz), safe=False)
            batch = batch.set_column(at, field.name, cast)
    try:
        return batch.to_pylist()  # type: ignore[no-any-return]
    except (ValueError, OverflowError):
        for row in range(batch.num_rows):
            for name in batch.schema.names:
                _check_cell(batch.column(name)[row], f"{where}[{number + row}]", name)
        raise


def _check_cell(cell: Any, where: str, column: str) -> None:
    try:
        cell.as_py()
    except (ValueError, OverflowError) as error:
        raise InputError(
            f"{where}: column {column!r}",
            got=error,
            expected="a value that can be read",
            fix="write the column again, as text",
        ) from None


def _check_columns(schema: Any, where: str) -> None:
    name, times = Counter(schema.names).most_common(1)[0] if schema.names else ("", 0)
    if times > 1:
        raise InputError(
            where,
            got=f"the column {name!r} {times} times",
            expected="names that differ",
            fix="rename the columns",
        )


def _check_order(names: GoldNames, gold_names: GoldNames, where: str) -> None:
    """A task must not name the labels of a data set in another order."""
    for column in names.keys() & gold_names.keys():
        own, given = names[column], gold_names[column]
        if own != given and sorted(own) == sorted(given):
            raise InputError(
                f"{where}: column {column!r}",
                got=f"gold_names {', '.join(given)}",
                expected=f"the order of the data set: {', '.join(own)}",
                fix="leave out gold_names, or put them in this order",
            )


def _class_name(value: Any, names: tuple[str, ...], where: str, column: str) -> str | None:
    if value is None or value == -1:
        return None
    if not isinstance(value, int) or not 0 <= value < len(names):
        raise InputError(
            f"{where}: column {column!r}",
            got=f"class label {value}",
            expected=f"0 to {len(names) - 1}, or -1 for none",
            fix="correct the label",
        )
    return names[value]
