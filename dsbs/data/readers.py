"""Rows from files: CSV, TSV, JSON lines, JSON lists, Parquet and ASDiv's XML, packed or not.

A reader yields `(where, row)`: `where` names the file and the line for an error message, `row` maps
columns to values of whatever type.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any
from xml.etree import ElementTree

from dsbs.core.errors import InputError
from dsbs.data.arrow_rows import GoldNames, read_parquet
from dsbs.data.delimited import read_delimited
from dsbs.data.json_rows import read_json
from dsbs.data.text_files import BROKEN, PACKED, open_bytes, suffix_of

Rows = Iterator[tuple[str, Mapping[str, Any]]]

SUFFIXES = (".csv", ".tsv", ".jsonl", ".ndjson", ".json", ".parquet", ".xml")

_NO_NAMES: GoldNames = MappingProxyType({})


def is_data_file(path: Path) -> bool:
    """Whether a file's name says that `read_rows` reads it. Hidden files are nobody's data."""
    return path.is_file() and suffix_of(path) in SUFFIXES and not path.name.startswith(".")


def read_rows(path: Path, gold_names: GoldNames = _NO_NAMES) -> Rows:
    """The rows of one file, by its suffix.

    Args:
        path: the file.
        gold_names: columns whose integer class labels the task names itself; see `arrow_rows`.

    Raises:
        InputError: with the line where the file is broken, empty, or in another encoding.
    """
    match suffix_of(path):
        case ".csv" | ".tsv":
            rows: Rows = read_delimited(path)
        case ".jsonl" | ".ndjson" | ".json":
            rows = read_json(path)
        case ".parquet":
            rows = read_parquet(path, gold_names)
        case ".xml":
            rows = _read_asdiv(path)
        case _:
            raise InputError(
                path,
                got=f"suffix {path.suffix!r}",
                expected=f"{' '.join(SUFFIXES)}, or one of these and {' '.join(PACKED)}",
                fix="convert or rename the file",
            )
    empty = True
    for row in rows:
        empty = False
        yield row
    if empty:
        raise InputError(
            path, got="an empty file", expected="at least one row", fix="check how it was written"
        )


def _read_asdiv(path: Path) -> Rows:
    """`<Problem ID=..><Body/><Question/><Solution-Type/><Answer/><Formula/></Problem>`.

    Attributes and children alike are columns.
    """
    try:
        with open_bytes(path) as stream:
            problems = list(ElementTree.parse(stream).iter("Problem"))
    except (*BROKEN, ValueError, LookupError, ElementTree.ParseError) as error:
        raise InputError(path, got=error, expected="ASDiv's XML", fix="check the file") from None
    for number, problem in enumerate(problems):
        parts = {child.tag: (child.text or "").strip() for child in problem}
        yield f"{path}[{number}]", {**problem.attrib, **parts}
