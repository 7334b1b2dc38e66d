"""Rows of JSON: one object per line, or one list of objects."""

import json
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import IO, Any

from dsbs.core.errors import InputError, brief
from dsbs.data.text_files import numbered_lines, open_bytes

Row = Mapping[str, Any]

_MOST_DEPTH = 100
_BRACKETS = re.compile(r'"(?:[^"\\]|\\.)*"|[\[\]{}]', re.DOTALL)
"""Texts, so that brackets in them do not count, and brackets."""


def parse_lines(stream: IO[bytes], name: str) -> Iterator[tuple[str, Row]]:
    """The rows of a stream of JSON lines. Empty lines are no rows."""
    for number, line in numbered_lines(stream, name):
        if line.strip():
            yield f"{name}:{number}", _mapping(parse_json(line, name, number), f"{name}:{number}")


def read_json(path: Path) -> Iterator[tuple[str, Row]]:
    """The rows of a file of JSON lines, or of one JSON list of objects.

    Raises:
        InputError: with the line for anything else, also for pandas' columns of rows.
    """
    with open_bytes(path) as stream:
        lines = numbered_lines(stream, str(path))
        first = next((line for _, line in lines if line.strip()), "")
    with open_bytes(path) as stream:
        if not first.lstrip().startswith("["):
            for at, (where, row) in enumerate(parse_lines(stream, str(path))):
                if at == 0:
                    _refuse_columns(row, where)
                yield where, row
            return
        text = "".join(line for _, line in numbered_lines(stream, str(path)))
    for number, item in enumerate(parse_json(text, str(path), 1)):
        yield f"{path}[{number}]", _mapping(item, f"{path}[{number}]")


def parse_json(text: str, name: str, line: int) -> Any:
    """A JSON text that starts in this line of a file.

    A key that comes twice in an object is an error.
    """
    where = f"{name}:{line}"
    try:
        _check_depth(text)
        return json.loads(text, object_pairs_hook=_object)
    except json.JSONDecodeError as error:
        where = f"{name}:{line + error.lineno - 1}"
        got = f"broken JSON ({error.msg} at column {error.colno})"
    except (ValueError, RecursionError) as error:
        got = f"JSON that cannot be read ({error})"
    raise InputError(
        where,
        got=got,
        expected="one JSON object per line, or one list of objects",
        fix="correct or remove the line",
    )


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        ((twice, _),) = Counter(key for key, _ in pairs).most_common(1)
        raise ValueError(f"the key {brief(twice)} comes twice in an object")
    return found


def _check_depth(text: str) -> None:
    """Refuse what is nested so deep that no later step could look into it."""
    if text.count("[") + text.count("{") <= _MOST_DEPTH:
        return
    depth = 0
    for found in _BRACKETS.finditer(text):
        if found[0] in "[{":
            depth += 1
        elif found[0] in "]}":
            depth -= 1
        if depth > _MOST_DEPTH:
            raise ValueError(f"values more than {_MOST_DEPTH} deep")


def _mapping(item: Any, where: str) -> Row:
    if not isinstance(item, dict):
        raise InputError(
            where,
            got=f"a {type(item).__name__}",
            expected="a JSON object",
            fix="write {column: value, ...}",
        )
    return item


def _refuse_columns(row: Row, where: str) -> None:
    """By default, pandas' `to_json()` writes one object of columns, not rows."""
    columns = [value for value in row.values() if isinstance(value, dict)]
    keys = [str(at) for at in range(len(columns[0]))] if columns else []
    by_column = len(columns) == len(row) > 0 and all(list(c) == keys for c in columns) and keys
    split = {"columns", "index", "data"} <= row.keys()
    if by_column or split:
        raise InputError(
            where,
            got="one object of columns, as pandas' to_json() writes it",
            expected="one object per row",
            fix='write the file with to_json(path, orient="records", lines=True)',
        )
