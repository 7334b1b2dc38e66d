"""One row of a source, of whatever layout, as one Example of a task."""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, NamedTuple, cast

from dsbs.core.errors import InputError
from dsbs.core.hashing import short_hash
from dsbs.core.records import Example, Split
from dsbs.tasks.labels import LETTERS, fold, match_label
from dsbs.tasks.prompts import render_input, render_template
from dsbs.tasks.task import Columns, Task

SPLIT_OF = {
    "train": "train",
    "validation": "validation",
    "valid": "validation",
    "val": "validation",
    "dev": "validation",
    "test": "test",
    "all": "all",
}
"""The split that a part of a source is, by the source's own name of it."""


_canonical = json.JSONEncoder(sort_keys=True, ensure_ascii=False).encode


def content_hash(example: Example) -> str:
    """What a student is asked, as 16 hex digits; the label is not part of it."""
    return short_hash(_canonical([example.fields, example.choices]))


def overlap(examples: Iterable[Example], held_out: Iterable[Example]) -> list[str]:
    """Ids among `examples` whose content also stands in `held_out`."""
    seen = {content_hash(example) for example in held_out}
    return [example.id for example in examples if content_hash(example) in seen]


class Read(NamedTuple):
    """A row that was read: where it stands, its Example, the hash of its content, and whether its id came with it.

    An id that did not is made of the content, and still lacks the number that tells alike rows apart.
    """

    where: str
    example: Example
    content: str
    named: bool


def examples_of(
    task: Task, part: str, rows: Iterable[tuple[str, Mapping[str, Any]]], layouts: Sequence[Columns]
) -> Iterator[Read]:
    """Every row of one part of a source as an Example of its split ("all" counts as train until it is cut).

    `layouts` are where columns may stand, the first that fits is taken. InputError for a missing column or a label outside
    the set.
    """
    columns: Columns | None = None
    for where, row in rows:
        columns = columns or _fitting(layouts, row)
        example = _example(task, columns, part, where, row)
        content, named = content_hash(example), columns.id is not None and columns.id in row
        stem = str(row[columns.id]) if named else f"{part}-{content}"  # type: ignore[index]
        yield Read(where, replace(example, id=stem), content, named)


def id_twice(where: str, example_id: str) -> InputError:
    """What is wrong with a row that has the id of another."""
    return InputError(
        where,
        got=f"id {example_id!r} a second time",
        expected="ids that differ",
        fix="mend the ids",
    )


def _fitting(layouts: Sequence[Columns], row: Mapping[str, Any]) -> Columns:
    """The first layout whose plain columns the row has, else the task's own (whose error then names what is missing)."""
    for layout in layouts:
        if all(column in row for column in layout.fields.values() if "{{" not in column):
            try:
                for spec in layout.fields.values():
                    _value(spec, row, "")
            except InputError:
                continue
            return layout
    return layouts[0]


def _example(
    task: Task, columns: Columns, part: str, where: str, row: Mapping[str, Any]
) -> Example:
    fields = {name: _value(spec, row, where) for name, spec in columns.fields.items()}
    choices = _choices(columns.choices, row, where)
    split = "train" if SPLIT_OF[part] == "all" else SPLIT_OF[part]
    return Example(
        id="",
        split=cast(Split, split),
        fields=fields,
        input=render_input(task, fields, choices),
        choices=choices,
        gold=_gold(task, columns, choices, where, row),
        group=str(_value(columns.group, row, where)) if columns.group else None,
    )


def _value(spec: str, row: Mapping[str, Any], where: str) -> Any:
    from jinja2 import UndefinedError

    try:
        return render_template(spec, row) if "{{" in spec else row[spec]
    except (KeyError, UndefinedError) as error:
        missing = spec if isinstance(error, KeyError) else str(error.message)
        raise InputError(
            where,
            got=f"columns {', '.join(map(str, row))}",
            expected=f"column {missing!r}",
            fix="rename the column, or map it under `columns` in the prompt file",
        ) from None


def _choices(
    spec: str | tuple[str, ...] | None, row: Mapping[str, Any], where: str
) -> tuple[str, ...]:
    if spec is None:
        return ()
    found = (
        [_value(column, row, where) for column in spec]
        if isinstance(spec, tuple)
        else _value(spec, row, where)
    )
    if isinstance(found, str) and found.lstrip().startswith("["):
        try:
            found = json.loads(found)
        except json.JSONDecodeError:
            found = None
    if (
        not isinstance(found, Sequence)
        or isinstance(found, str)
        or not 2 <= len(found) <= len(LETTERS)
    ):
        raise InputError(
            where,
            got=f"choices {found!r}",
            expected="a list of 2 to 26 options",
            fix="write a list, or name one column each",
        )
    return tuple(str(choice) for choice in found)


def _gold(
    task: Task, columns: Columns, choices: tuple[str, ...], where: str, row: Mapping[str, Any]
) -> str | None:
    """The normalised gold label; None where the row has none. InputError for one that the task does not know."""
    stated = row.get(columns.gold) if columns.gold else None
    if stated is None or str(stated).strip() in ("", "-1"):
        return None
    text = str(stated).strip()
    if columns.gold_names and text.isdigit() and int(text) < len(columns.gold_names):
        text = columns.gold_names[int(text)]
    allowed = task.allowed(choices)
    matched = match_label(task.label.kind, text, allowed)
    inexact = task.label.kind == "class" and matched.label and fold(matched.label) != fold(text)
    if matched.label is None or inexact or (matched.match == "letter" and matched.text):
        if columns.unreadable_gold == "none":
            return None
        raise InputError(
            where,
            got=f"label {text!r}",
            expected=f"one of {', '.join(allowed)}"
            if allowed
            else f"a label of kind {task.label.kind}",
            fix="mend the label or leave it empty",
        )
    return matched.label
