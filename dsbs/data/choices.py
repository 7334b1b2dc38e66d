"""The options of a row of label kind `choice`, in the layouts that people and hubs use."""

import ast
import json
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from dsbs.core.errors import InputError, brief
from dsbs.data.columns import Lacking, look_up
from dsbs.data.values import is_missing, name_of, read_value
from dsbs.tasks.label_keys import LETTERS


class Options(NamedTuple):
    """The options of one row."""

    texts: tuple[str, ...] = ()
    labels: tuple[str, ...] = ()
    """What the row itself calls them ("A", "B"); empty where it does not."""
    typed: bool = True
    """Whether the row tells text from numbers. A CSV file does not."""


def read_choices(spec: str | tuple[str, ...] | None, row: Mapping[str, Any], where: str) -> Options:
    """The options of a row, from one column with all of them or from one column per option.

    Raises:
        Lacking: where the column or an option is missing.
        InputError: where the column holds no options.

    >>> row = {"choices": {"label": ["A", "B"], "text": ["fire", "ice"]}}
    >>> read_choices("choices", row, "rows.jsonl:1").texts
    ('fire', 'ice')
    """
    if spec is None:
        return Options()
    if isinstance(spec, tuple):
        found: Any = [look_up(column, row, where) for column in spec]
        return _options(found, found, where, ", ".join(spec), typed=False)
    cell = look_up(spec, row, where)
    if is_missing(cell):
        raise Lacking(f"options in column {spec!r}")
    found = _parsed(cell) if isinstance(cell, str) else cell
    return _options(found, cell, where, spec, typed=not isinstance(cell, str))


def _options(found: Any, cell: Any, where: str, column: str, *, typed: bool) -> Options:
    labels, texts = _apart(found)
    if not 2 <= len(texts) <= len(LETTERS):
        raise InputError(
            f"{where}: column {column!r}",
            got=f"choices {brief(cell, 200)}",
            expected="a list of 2 to 26 options",
            fix="write a JSON list, name one column per option, or take a part of the column with "
            "a template",
        )
    for number, text in enumerate(texts, 1):
        if is_missing(text):
            raise Lacking(f"option {number} in column {column!r}")
    return Options(
        tuple(str(read_value(text, where, column)) for text in texts),
        tuple(name_of(read_value(label, where, column)) for label in labels),
        typed,
    )


def _apart(found: Any) -> tuple[Sequence[Any], Sequence[Any]]:
    """Labels and texts of options in one of the known layouts; no texts for anything else.

    Lists of texts, lists of `{label, text}`, `{label: [...], text: [...]}`, and `{A: ..., B: ...}`.
    """
    if isinstance(found, dict):
        texts, labels = found.get("text"), found.get("label", [])
        if isinstance(texts, list) and isinstance(labels, list) and len(labels) in (0, len(texts)):
            return labels, texts
        if [str(key).lower() for key in found] == list(LETTERS[: len(found)]):
            return list(found), list(found.values())
        return (), ()
    if not isinstance(found, list | tuple):
        return (), ()
    if found and all(isinstance(option, dict) and "text" in option for option in found):
        labels = [option["label"] for option in found if "label" in option]
        texts = [option["text"] for option in found]
        return (labels, texts) if len(labels) in (0, len(texts)) else ((), ())
    return (), found


def _parsed(cell: str) -> Any:
    """What a text cell holds: JSON, or a list just as Python writes it.

    The second is what pandas writes for a column of lists.
    """
    try:
        return json.loads(cell)
    except (ValueError, RecursionError):
        pass
    try:
        found = ast.literal_eval(cell.strip())
    except (ValueError, SyntaxError, MemoryError, RecursionError, TypeError):
        return None
    return found if repr(found) == cell.strip() else None
