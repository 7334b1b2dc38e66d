"""The gold label of a row, or None where it has none. What might mean two labels is refused."""

import re
from collections.abc import Mapping
from typing import Any

from dsbs.core.errors import InputError
from dsbs.data.choices import Options
from dsbs.data.columns import Lacking, is_template, look_up
from dsbs.data.values import Value, is_missing, name_of, read_value
from dsbs.tasks.label_keys import LETTERS
from dsbs.tasks.labels import gold_label
from dsbs.tasks.task import Columns, Task

_WHOLE = re.compile(r"-?[0-9]{1,18}")


def read_gold(
    task: Task, columns: Columns, options: Options, row: Mapping[str, Any], where: str
) -> str | None:
    """The normalized gold label of a row; None where it has none.

    A list of one value is that value; an empty list is no label. `-1` is no label where
    `gold_names` names integer labels.

    Raises:
        InputError: for a label that the task does not know, and for one that may mean two.
    """
    value = _stated(columns.gold, row, where) if columns.gold else None
    if value is None or columns.gold is None:
        return None
    text = name_of(value).strip()
    if columns.gold_names and _WHOLE.fullmatch(text):
        return _named(task, columns, options, int(text), where)
    if text in options.labels:
        return options.texts[options.labels.index(text)]
    if task.label.kind == "choice" and _may_be_position(text, value, columns, options):
        raise _ambiguous(text, columns.gold, where)
    return _matched(task, columns, options, text, where)


def _stated(spec: str, row: Mapping[str, Any], where: str) -> Value | None:
    try:
        found = look_up(spec, row, where)
    except Lacking:
        return None
    if isinstance(found, list | tuple) and len(found) < 2:
        found = found[0] if found else None
    return None if is_missing(found) else read_value(found, where, spec)


def _named(task: Task, columns: Columns, options: Options, number: int, where: str) -> str | None:
    """The label that an integer means by the task's `gold_names`.

    A letter there means the option in its place.
    """
    if number == -1:
        return None
    names = columns.gold_names
    if not 0 <= number < len(names):
        raise _unknown(
            where, str(number), f"0 to {len(names) - 1}, by gold_names ({', '.join(names)})"
        )
    name = names[number]
    at = LETTERS.find(name.lower()) if len(name) == 1 else -1
    if task.label.kind == "choice" and 0 <= at < len(options.texts):
        return options.texts[at]
    return _matched(task, columns, options, name, where)


def _may_be_position(text: str, value: Value, columns: Columns, options: Options) -> bool:
    """Whether a whole number may count the options, from 0 or from 1.

    Text that equals an option is that option where the row tells text from numbers, or where a
    template made it.
    """
    if not _WHOLE.fullmatch(text) or is_template(columns.gold or ""):
        return False
    if isinstance(value, str) and options.typed and text in options.texts:
        return False
    return 0 <= int(text) <= len(options.texts)


def _ambiguous(text: str, column: str, where: str) -> InputError:
    return InputError(
        f"{where}: column {column!r}",
        got=f"label {text}, which may be the number of an option or its text",
        expected="the letter or the text of an option",
        fix="under `columns` in the task file write gold_names: [A, B, C, D] for numbers from 0, "
        'gold_names: ["-", A, B, C, D] for numbers from 1, '
        f'or gold: "{{{{ {column} }}}}" for the text',
    )


def _matched(task: Task, columns: Columns, options: Options, text: str, where: str) -> str | None:
    """The allowed label that a text names as a whole: text before letters."""
    allowed = task.allowed(options.texts)
    label = gold_label(task.label.kind, text, allowed)
    if label is None and columns.unreadable_gold == "error":
        known = f"one of {', '.join(allowed)}" if allowed else f"a label of kind {task.label.kind}"
        raise _unknown(where, repr(text), known)
    return label


def _unknown(where: str, got: str, expected: str) -> InputError:
    return InputError(
        where,
        got=f"label {got}",
        expected=expected,
        fix="correct the label or leave it empty",
    )
