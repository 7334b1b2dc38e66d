"""One answer that was found in a file, and what readers of all formats share."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from dsbs.core.errors import InputError
from dsbs.data.values import name_of, read_value, whole_text

Row = Mapping[str, Any]


class FoundAnswer(NamedTuple):
    """One answer of a file, and what says to which row it belongs."""

    where: str
    text: str | None
    """None where there is no answer; `error` says why."""
    error: str | None = None
    finish_reason: str | None = None
    reasoning: str | None = None
    id: str | None = None
    """The id of the row."""
    rows: tuple[Row, ...] = ()
    """The row itself, where an export repeats it. The first that has the task's columns counts."""
    asked: tuple[str, ...] = ()
    """Texts of which one may be the row's input."""
    request: str | None = None
    """A request at the end of which the row's input stands."""
    shown: str = ""
    """All that was asked, where the file repeats it: the row's fields must stand in it."""


def unknown_format(row: Row, where: str, expected: str) -> InputError:
    """A row is not in the format."""
    return InputError(
        where,
        got=f"keys {', '.join(sorted(map(str, row)))}",
        expected=expected,
        fix="see docs/data.md for the formats, and name one with --answers-format",
    )


def several_answers(found: Sequence[str], where: str) -> InputError:
    """A row has several answers where one is expected."""
    return InputError(
        where,
        got=f"{len(found)} answers ({', '.join(found[:5])})",
        expected="one answer per row",
        fix="keep one of them",
    )


def id_of(row: Row, key: str, where: str) -> str:
    """The id in a column, as text."""
    return name_of(read_value(row[key], where, key))


def texts_of(value: Any) -> list[str]:
    """A text, or the texts of a list."""
    found = value if isinstance(value, Sequence) and not isinstance(value, str) else [value]
    return [whole_text(one) for one in found if isinstance(one, str)]


def text_or_none(value: Any) -> str | None:
    """A text that is not empty, else None."""
    return whole_text(value) if isinstance(value, str) and value else None
