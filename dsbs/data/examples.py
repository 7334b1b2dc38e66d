"""One row of a source, of whatever layout, as one Example of a task."""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from dsbs.core.errors import InputError
from dsbs.core.hashing import short_hash
from dsbs.core.records import Example, Split
from dsbs.data.choices import Options, read_choices
from dsbs.data.columns import Lacking, columns_of, look_up, near_column
from dsbs.data.gold import read_gold
from dsbs.data.tally import Tally
from dsbs.data.values import Value, is_missing, name_of, read_value
from dsbs.tasks.prompts import render_input
from dsbs.tasks.task import Columns, Task

SPLIT_OF: Mapping[str, Split | None] = {
    "train": "train",
    "validation": "validation",
    "valid": "validation",
    "val": "validation",
    "dev": "validation",
    "test": "test",
    "all": None,
}
"""The split that a part of a source is, by the source's own name of it; "all" is yet to be cut."""

_canonical = json.JSONEncoder(sort_keys=True, ensure_ascii=False).encode


def content_hash(example: Example) -> str:
    """What a student reads, as 16 hex digits; the label is not part of it."""
    return _hash(example.fields, example.choices)


def overlap(examples: Iterable[Example], held_out: Iterable[Example]) -> list[str]:
    """Ids among `examples` whose content also stands in `held_out`."""
    seen = {content_hash(example) for example in held_out}
    return [example.id for example in examples if content_hash(example) in seen]


def _hash(fields: Mapping[str, Any], choices: Sequence[str]) -> str:
    return short_hash(_canonical([fields, choices]))


class Incomplete(InputError):
    """A row lacks a field or an option that the task needs. Such rows may be skipped."""


class Read(NamedTuple):
    """A row that was read.

    An id that did not come with the row is made of its content, and still lacks the number that
    tells alike rows apart.
    """

    where: str
    example: Example
    content: str
    """The hash of its content."""
    given: Value | None
    """The id that came with the row, as it stands there."""


def examples_of(
    task: Task,
    part: str,
    rows: Iterable[tuple[str, Mapping[str, Any]]],
    layouts: Sequence[Columns],
    *,
    skip_incomplete: bool = False,
    tally: Tally | None = None,
) -> Iterator[Read]:
    """Every row of one part of a source as an Example of its split.

    Rows of the part "all" count as train until they are cut.

    Args:
        task: the task that the rows belong to.
        part: the source's own name of the split.
        rows: each with its place.
        layouts: where columns may stand; the first that fits is taken.
        skip_incomplete: leave out rows that lack a field or an option.
        tally: counts what is seen.

    Raises:
        InputError: for what a row lacks, a value that is no text or number, or an unknown label.
    """
    tally = tally or Tally()
    for where, row in rows:
        tally.rows += 1
        tally.columns.update(row)
        tally.layout = tally.layout or _fitting(layouts, row)
        given = _given_id(tally, row, where)
        try:
            yield _read(task, tally.layout, part, where, row, given)
        except Incomplete as error:
            if not skip_incomplete:
                raise
            tally.skip(error)


def input_alone(columns: Columns, *, id: str | None = None) -> Columns:
    """The columns that the input is made of, and no other but that of an id."""
    return columns.model_copy(update={"gold": None, "group": None, "id": id})


def id_twice(where: str, example_id: str) -> InputError:
    """A row has the id of another."""
    return InputError(
        where,
        got=f"id {example_id!r} a second time",
        expected="ids that differ",
        fix="correct the ids",
    )


def _fitting(layouts: Sequence[Columns], row: Mapping[str, Any]) -> Columns:
    """The first layout whose columns the row has, else the task's own.

    The task's own then says which column is missing.
    """
    for layout in layouts:
        if all(columns_of(spec) <= row.keys() for spec in layout.fields.values()):
            return layout
    return layouts[0]


def _read(
    task: Task,
    columns: Columns,
    part: str,
    where: str,
    row: Mapping[str, Any],
    given: Value | None,
) -> Read:
    fields = {name: _field(name, spec, row, where) for name, spec in columns.fields.items()}
    try:
        options = read_choices(columns.choices, row, where)
    except Lacking as lacking:
        raise _incomplete("choices", columns.choices or "", str(lacking), row, where) from None
    content = _hash(fields, options.texts)
    example = Example(
        id=f"{part}-{content}" if given is None else name_of(given),
        split=SPLIT_OF[part] or "train",
        fields=fields,
        input=_rendered(task, fields, options, where),
        choices=options.texts,
        gold=read_gold(task, columns, options, row, where),
        group=_group(columns.group, row, where),
    )
    return Read(where, example, content, given)


def _field(name: str, spec: str, row: Mapping[str, Any], where: str) -> Value:
    try:
        found = look_up(spec, row, where)
    except Lacking as lacking:
        raise _incomplete(name, spec, str(lacking), row, where) from None
    if is_missing(found):
        what = "no text" if isinstance(found, str) else "nothing (null)"
        raise Incomplete(
            f"{where}: column {spec!r}",
            got=what,
            expected=f"text or a number for the field {name!r}",
            fix="fill it in, or leave such rows out with --skip-incomplete",
        )
    return read_value(found, where, spec)


def _incomplete(
    name: str, spec: str | Sequence[str], lacking: str, row: Mapping[str, Any], where: str
) -> Incomplete:
    """A column that is not in the row, with the one that may be meant."""
    specs = [spec] if isinstance(spec, str) else spec
    absent = sorted(set().union(*map(columns_of, specs)) - row.keys())
    near = near_column(absent[0], row) if absent else None
    return Incomplete(
        where,
        got=f"columns {', '.join(map(str, row))}" if absent else f"no {lacking}",
        expected=f"column {absent[0]!r}" if absent else f"all parts of {name!r}",
        fix=f"did you mean {near!r}?"
        if near
        else "rename the column, or map it under `columns` in the task file",
    )


def _rendered(task: Task, fields: Mapping[str, Value], options: Options, where: str) -> str:
    try:
        return render_input(task, fields, options.texts)
    except InputError as error:
        raise InputError(
            f"{where}: the task's `input`",
            got=error.got,
            expected="a template that this row can fill",
            fix=error.fix,
        ) from None


def _given_id(tally: Tally, row: Mapping[str, Any], where: str) -> Value | None:
    """The id that came with a row; None where the rows have none.

    Either all rows have one or none has.
    """
    spec = tally.layout.id if tally.layout else None
    if spec is None:
        return None
    there = columns_of(spec) <= row.keys()
    if tally.rows == 1:
        tally.ids = there
    if not there and not tally.ids:
        return None
    try:
        found = look_up(spec, row, where) if there else None
    except Lacking:
        found = None
    if is_missing(found) or not tally.ids:
        raise InputError(
            f"{where}: column {spec!r}",
            got="an id, where the first row has none" if not tally.ids else "no id",
            expected="an id in every row, or in none",
            fix="fill in the ids, or name no id column in the task file",
        )
    return read_value(found, where, spec)


def _group(spec: str | None, row: Mapping[str, Any], where: str) -> str | None:
    """The group of a row; None where its group is missing, so that it is a group of its own."""
    if spec is None:
        return None
    try:
        found = look_up(spec, row, where)
    except Lacking:
        return None
    return None if is_missing(found) else name_of(read_value(found, where, spec))
