"""Where a part of a row stands: in a column, or in a Jinja2 template over the columns."""

import functools
import re
from collections.abc import Callable, Iterable, Mapping
from difflib import get_close_matches
from typing import Any

from dsbs.core.errors import InputError, brief
from dsbs.data.values import is_missing, read_value

_ONE_EXPRESSION = re.compile(r"\{\{(?![-+])((?:(?!\{\{|\}\}|\{%|\{#).)*)(?<![-+])\}\}", re.DOTALL)


class Lacking(Exception):
    """A row lacks a part of it. The text says which column or which part of a template."""


def columns_of(spec: str) -> frozenset[str]:
    """The columns that a row must have: the one that is named, or those that the template uses."""
    return _template(spec)[0] if is_template(spec) else frozenset([spec])


def is_template(spec: str) -> bool:
    """Whether a column's place is a template and not the name of a column."""
    return "{{" in spec or "{%" in spec


def look_up(spec: str, row: Mapping[str, Any], where: str) -> Any:
    """The part of the row that stands there, of whatever type.

    A template that is one expression gives that expression's value; any other gives text.

    Raises:
        Lacking: where the row has no such part.
        InputError: for a template that cannot be rendered.

    >>> look_up("{{ choices.text }}", {"choices": {"text": ["fire", "ice"]}}, "rows.jsonl:1")
    ['fire', 'ice']
    """
    if not is_template(spec):
        if spec not in row:
            raise Lacking(f"column {spec!r}")
        return row[spec]
    from jinja2 import UndefinedError

    try:
        return _template(spec)[1](row)
    except UndefinedError as error:
        raise Lacking(f"{error.message} in the template {spec!r}") from None
    except Lacking:
        raise
    except InputError as error:
        place = f"{where}: template {brief(spec)}"
        raise InputError(place, got=error.got, expected=error.expected, fix=error.fix) from None
    except Exception as error:  # a template is code, and may fail in any way
        raise InputError(
            f"{where}: template {brief(spec)}",
            got=f"{type(error).__name__}: {brief(str(error), 300)[1:-1]}",
            expected="a template that this row can fill",
            fix="correct the template under `columns` in the task file",
        ) from None


def near_column(name: str, columns: Iterable[str], alike: float = 0.6) -> str | None:
    """The column that a misspelled name most likely means.

    Case, spaces and underscores do not count.

    `alike` is the least that the two share, by difflib's ratio.
    """
    by_letters = {_letters(column): column for column in columns}
    close = get_close_matches(_letters(name), by_letters, n=1, cutoff=alike)
    return by_letters[close[0]] if close else None


def _letters(name: str) -> str:
    return re.sub(r"[\W_]+", "", str(name).casefold()) or str(name)


@functools.lru_cache(maxsize=256)
def _template(spec: str) -> tuple[frozenset[str], Callable[[Mapping[str, Any]], Any]]:
    """The columns that a template uses, and the function that fills it in for a row."""
    from jinja2 import Undefined, meta

    from dsbs.tasks.templates import rendering

    environment = _environment()
    try:
        used = meta.find_undeclared_variables(environment.parse(spec))
        names = frozenset(used - environment.globals.keys())
        if one := _ONE_EXPRESSION.fullmatch(spec):
            expression = environment.compile_expression(one[1], undefined_to_none=False)
        else:
            rendered = environment.from_string(spec)
    except Exception as error:  # of the parser, or of Python's own compiler
        raise InputError(
            f"template {brief(spec)}",
            got=error,
            expected="a Jinja2 template over the columns",
            fix="correct it under `columns` in the task file",
        ) from None

    def value(row: Mapping[str, Any]) -> Any:
        found = evaluate(row)
        if isinstance(found, Undefined):
            str(found)  # raises UndefinedError
        return found

    if one:
        evaluate = rendering(expression)
        return names, value
    return names, rendering(rendered.render)


@functools.cache
def _environment() -> Any:
    from dsbs.tasks.templates import environment  # not above: --help shall not wait for it

    return environment(finalize=_as_text)


def _as_text(value: Any) -> Any:
    """What `{{ ... }}` writes into a text: never Python's own notation of a value."""
    from jinja2 import Undefined

    if isinstance(value, Undefined) or value == "":
        return value
    if is_missing(value) and not isinstance(value, str):
        raise Lacking("a part that is null, in a template")
    return read_value(value, "a template", "of this part")
