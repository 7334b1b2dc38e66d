"""What one cell of a row says: text, a number, or nothing. Anything else is refused.

The rules are those of docs/data.md.
"""

import datetime
import itertools
import json
import math
import re
import uuid
from decimal import Decimal
from typing import Any

from dsbs.core.errors import InputError, brief

Value = str | int | float

_NO_WIDTH = "\u200b\u200c\u200d\u2060\ufeff\u00ad"
_HALF_OF_A_PAIR = re.compile("[\ud800-\udfff]")
_KINDS: dict[type, str] = {
    list: "a list",
    tuple: "a list",
    dict: "an object",
    bytes: "bytes that are not UTF-8",
}


def is_missing(value: Any) -> bool:
    """Whether a cell holds nothing: None, NaN, or text without any character that shows.

    >>> [is_missing(value) for value in (None, float("nan"), " ", 0, "None")]
    [True, True, True, False, False]
    """
    if isinstance(value, str):
        stated = value.strip()
        return not stated or (not stated.isascii() and not stated.strip(_NO_WIDTH + " \n\t\xa0"))
    if isinstance(value, float):
        return math.isnan(value)
    return value is None or (isinstance(value, Decimal) and value.is_nan())


def read_value(value: Any, where: str, column: str) -> Value:
    """A cell that is not missing, as text or a number. Numbers stay numbers.

    Raises:
        InputError: for anything that has no one way to be written, with row and column.
    """
    if isinstance(value, str):
        return whole_text(value)
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int) or (isinstance(value, float) and math.isfinite(value)):
        return value
    if (text := _written(value)) is not None:
        return text
    kind = (
        "infinity"
        if isinstance(value, float)
        else _KINDS.get(type(value), f"a value of type {type(value).__name__}")
    )
    shown = f" {_shortened(value)}" if isinstance(value, list | tuple | dict) else ""
    raise InputError(
        f"{where}: column {column!r}",
        got=f"{kind}{shown}",
        expected="text or a number",
        fix="take the part that is meant, with a template under `columns` in the task file, "
        f'e.g. "{_part_of(value, column)}"',
    )


def name_of(value: Value) -> str:
    """A value as a label, an id or a group: a whole number has no decimals.

    >>> name_of(1.0), name_of(1.5), name_of(" a ")
    ('1', '1.5', ' a ')
    """
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value)


def whole_text(text: str) -> str:
    """The text with U+FFFD for each half of a surrogate pair, which no file can hold."""
    return text if text.isascii() else _HALF_OF_A_PAIR.sub("\ufffd", text)


def _written(value: Any) -> str | None:
    """The text of what has one standard way to be written; None for anything else."""
    match value:
        case Decimal() if value.is_finite():
            return format(value, "f")
        case datetime.datetime() | datetime.date() | datetime.time():
            return value.isoformat()
        case uuid.UUID():
            return str(value)
        case bytes():
            try:
                return value.decode()
            except UnicodeDecodeError:
                return None
    return None


def _part_of(value: Any, column: str) -> str:
    """How a template would take a part of such a value."""
    name = column if column.isidentifier() else "column"
    key = repr(whole_text(str(next(iter(value))))) if isinstance(value, dict) and value else "0"
    return f"{{{{ {name}[{key}] }}}}"


def _shortened(value: Any) -> str:
    text = whole_text(json.dumps(_beginning(value), ensure_ascii=False, default=brief))
    return text if len(text) <= 60 else f"{text[:57]}..."


def _beginning(value: Any, depth: int = 3) -> Any:
    """What comes first of a value that may be long or deep."""
    if isinstance(value, str):
        return value[:60]
    if isinstance(value, list | tuple) and depth:
        return [_beginning(one, depth - 1) for one in value[:20]]
    if isinstance(value, dict) and depth:
        pairs = itertools.islice(value.items(), 20)
        return {str(name)[:60]: _beginning(one, depth - 1) for name, one in pairs}
    large = isinstance(value, list | tuple | dict) or (isinstance(value, int) and value > 2**63)
    return brief(value) if large else value
