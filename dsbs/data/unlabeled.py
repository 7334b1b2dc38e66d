"""Rows that somebody wants labelled."""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import replace
from itertools import chain
from typing import NamedTuple

from dsbs.core.records import Example
from dsbs.data.columns import columns_of
from dsbs.data.examples import examples_of, id_twice, input_alone
from dsbs.data.readers import Rows
from dsbs.data.sources import hub_columns
from dsbs.data.values import Value
from dsbs.tasks.task import Columns, Task


class UnlabeledRow(NamedTuple):
    """A row that somebody wants labelled."""

    id: Value
    """The id that came with the row, as it stands there; else one made of the content."""
    example: Example


class _Layout(NamedTuple):
    """Where the parts of the input may stand, with and without the id that the task names."""

    id_columns: frozenset[str] | None
    """What such an id is made of; None where the task names none."""
    with_id: Columns
    without: Columns
    """It has the column `id`, if any."""


class UnlabeledRows:
    """Reads such rows. They need the columns of the input, and no other.

    An id is taken from the task's id column, else from a column `id`, where the rows have it.
    """

    def __init__(self, task: Task) -> None:
        self._task = task
        self._layouts = [_layout(columns) for columns in (task.columns, *hub_columns(task))]

    def read(self, rows: Rows) -> Iterator[UnlabeledRow]:
        """Every row as an example.

        Raises:
            InputError: for a row that lacks a part of the input, or an id that comes twice.
        """
        first = next(rows, None)
        if first is None:
            return
        there = first[1].keys()
        layouts = [
            with_id if of is not None and of <= there else without
            for of, with_id, without in self._layouts
        ]
        seen: defaultdict[str, int] = defaultdict(int)
        read = examples_of(self._task, "test", chain([first], rows), layouts)
        for where, example, _, given in read:
            if given is not None and seen[example.id]:
                raise id_twice(where, example.id)
            number = seen[example.id]
            seen[example.id] += 1
            if given is None:
                example = replace(example, id=f"{example.id}-{number}")
            yield UnlabeledRow(example.id if given is None else given, example)


def _layout(columns: Columns) -> _Layout:
    own = columns.id
    with_id = input_alone(columns, id=own)
    of = columns_of(own) if own else None
    return _Layout(of, with_id, input_alone(columns, id="id"))
