"""Rows from files: CSV, JSON lines, JSON lists, Parquet, ASDiv's XML, and data sets of the `datasets` library.

A reader yields `(where, row)`: `where` names the file and line for an error message, `row` maps columns to values.
"""

import csv
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import IO, Any
from xml.etree import ElementTree

from dsbs.core.errors import InputError
from dsbs.core.require import require
from dsbs.tasks.task import HubSource

Rows = Iterator[tuple[str, Mapping[str, Any]]]

SUFFIXES = (".csv", ".tsv", ".jsonl", ".ndjson", ".json", ".parquet", ".xml")


def read_rows(path: Path) -> Rows:
    """The rows of one file, by its suffix. InputError with the line where the file is broken, empty or not UTF-8."""
    match path.suffix:
        case ".csv" | ".tsv":
            rows = _read_csv(path)
        case ".jsonl" | ".ndjson" | ".json":
            rows = _read_json(path)
        case ".parquet":
            rows = _read_parquet(path)
        case ".xml":
            rows = _read_asdiv(path)
        case _:
            raise InputError(
                path,
                got=f"suffix {path.suffix!r}",
                expected=" ".join(SUFFIXES),
                fix="convert the file",
            )
    empty = True
    for row in rows:
        empty = False
        yield row
    if empty:
        raise InputError(
            path, got="an empty file", expected="at least one row", fix="check how it was written"
        )


def read_hub(source: HubSource, split: str) -> Rows:
    """The rows of one split of a hub data set, or of a folder that `datasets` saved. Integer class labels stay integers.

    InputError where `datasets` is not installed or cannot load it.
    """
    require("datasets", "train", needed_by=f"the data set {source.path}")
    import datasets

    try:
        if (Path(source.path) / "dataset_dict.json").is_file():
            rows = datasets.load_from_disk(source.path)[split]
        elif (Path(source.path) / "dataset_info.json").is_file():
            rows = datasets.load_from_disk(source.path)
        else:
            rows = datasets.load_dataset(
                source.path, source.name, revision=source.revision, split=split
            )
    except (OSError, ValueError, KeyError, RuntimeError) as error:
        raise InputError(
            f"data set {source.path}",
            got=f"{type(error).__name__}: {error}",
            expected=f"a split {split!r} that loads",
            fix="check name, splits and network, or give local files with --data",
        ) from None
    for number, row in enumerate(rows):
        yield f"{source.path}[{split}][{number}]", row


def parse_lines(stream: IO[bytes], name: str) -> Rows:
    """The rows of a stream of JSON lines."""
    for number, line in _decoded(stream, name):
        if line.strip():
            yield f"{name}:{number}", _mapping(_parse_json(line, name, number), f"{name}:{number}")


def _decoded(stream: IO[bytes], name: str) -> Iterator[tuple[int, str]]:
    """Numbered lines of a UTF-8 stream, a byte-order mark removed."""
    for number, line in enumerate(stream, 1):
        try:
            yield number, line.decode("utf-8-sig" if number == 1 else "utf-8")
        except UnicodeDecodeError as error:
            raise InputError(
                f"{name}:{number}",
                got=f"byte 0x{line[error.start]:02x} at position {error.start + 1}",
                expected="UTF-8 text",
                fix="convert the file, e.g. iconv -f latin1 -t utf-8",
            ) from None


def _open(path: Path) -> IO[bytes]:
    try:
        return path.open("rb")
    except OSError as error:
        raise InputError(
            path, got=error.strerror, expected="a readable file", fix="check the path"
        ) from None


def _read_csv(path: Path) -> Rows:
    with _open(path) as stream:
        texts = (line for _, line in _decoded(stream, str(path)))
        reader = csv.DictReader(
            texts, delimiter="\t" if path.suffix == ".tsv" else ",", strict=True
        )
        try:
            for row in reader:
                if None in row or None in row.values():
                    expected = f"{len(reader.fieldnames or ())} cells as in the header"
                    where = f"{path}:{reader.line_num}"
                    raise InputError(
                        where,
                        got="another number of cells",
                        expected=expected,
                        fix="quote the cells",
                    )
                yield f"{path}:{reader.line_num}", row
        except csv.Error as error:
            raise InputError(
                f"{path}:{reader.line_num}", got=error, expected="CSV", fix="quote the cells"
            ) from None


def _read_json(path: Path) -> Rows:
    """JSON lines, or one JSON list of objects."""
    with _open(path) as stream:
        if stream.read(64).removeprefix(b"\xef\xbb\xbf").lstrip()[:1] != b"[":
            stream.seek(0)
            yield from parse_lines(stream, str(path))
            return
        stream.seek(0)
        text = "".join(line for _, line in _decoded(stream, str(path)))
    for number, item in enumerate(_parse_json(text, str(path), 1)):
        yield f"{path}[{number}]", _mapping(item, f"{path}[{number}]")


def _parse_json(text: str, name: str, line: int) -> Any:
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        raise InputError(
            f"{name}:{line + error.lineno - 1}",
            got=f"broken JSON ({error.msg} at column {error.colno})",
            expected="one JSON object a line",
            fix="mend or remove the line",
        ) from None


def _mapping(item: Any, where: str) -> Mapping[str, Any]:
    if not isinstance(item, dict):
        raise InputError(
            where,
            got=f"a {type(item).__name__}",
            expected="a JSON object",
            fix="write {column: value, ...}",
        )
    return item


def _read_parquet(path: Path) -> Rows:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        number = 0
        for batch in pq.ParquetFile(path).iter_batches(batch_size=1024):
            for row in batch.to_pylist():
                yield f"{path}[{number}]", row
                number += 1
    except (OSError, pa.ArrowException) as error:
        raise InputError(
            path, got=error, expected="a readable Parquet file", fix="check how it was written"
        ) from None


def _read_asdiv(path: Path) -> Rows:
    """`<Problem ID=..><Body/><Question/><Solution-Type/><Answer/><Formula/></Problem>`: attributes and children alike."""
    try:
        problems = ElementTree.parse(path).iter("Problem")
    except (OSError, ElementTree.ParseError) as error:
        raise InputError(path, got=error, expected="ASDiv's XML", fix="check the file") from None
    for number, problem in enumerate(problems):
        parts = {child.tag: (child.text or "").strip() for child in problem}
        yield f"{path}[{number}]", {**problem.attrib, **parts}
