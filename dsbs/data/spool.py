"""Examples in a temporary Arrow file that is mapped into memory.

Memory hardly grows with the examples: 16 bytes stay of each one, and 24 where rows have groups.
"""

import functools
import json
import mmap
import tempfile
from array import array
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, overload

from dsbs.core.hashing import short_hash
from dsbs.core.records import Example, Split

_BATCH_ROWS = 512
"""Examples that are written at once."""
_BATCHES_AT_HAND = 64
"""Batches whose place in the file is remembered. Their rows stay in the file."""

_TEXT = "t"
_NUMBER = "n"
"""The first character of a stored value says what it is."""


class Spool:
    """Takes examples with the same fields one after the other, and gives any of them back.

    Once an example is read, no more can be added. Only this process writes or reads the file.
    """

    contents: "array[int]"
    """The 8-byte hash of each example's content, by place."""
    groups: "array[int]"
    """The 8-byte hash of each example's group, or of its content where it has no group.

    Empty where no example has a group.
    """
    numbers: "array[int]"
    """The number at the end of each id: 1 for the second example of its content.

    -1 where the id came with the row. Empty until all examples are there.
    """

    def __init__(self) -> None:
        import pyarrow as pa  # here, because --help shall not wait for it

        self.contents = array("Q")
        self.groups = array("Q")
        self.numbers = array("i")
        self._schema = _schema(pa)
        self._file = tempfile.TemporaryFile()  # noqa: SIM115 - as long-lived as the spool
        self._writer = pa.ipc.new_file(self._file, self._schema)
        self._fields: tuple[str, ...] = ()
        self._waiting: list[tuple[Any, ...]] = []
        self._columns = functools.lru_cache(_BATCHES_AT_HAND)(self._read_columns)

    def __len__(self) -> int:
        return len(self.contents)

    def add(self, example: Example, content: str) -> None:
        """Take an example whose content has this hash.

        Its place is the number of examples before it.
        """
        self._fields = self._fields or tuple(example.fields)
        self._add_group(example.group, content)
        self.contents.append(int(content, 16))
        self._waiting.append(
            (
                example.id,
                [_stored(example.fields[name]) for name in self._fields],
                example.input,
                example.choices,
                example.gold,
                example.group,
            )
        )
        if len(self._waiting) == _BATCH_ROWS:
            self._write()

    def get(self, place: int, split: Split) -> Example:
        """The example at a place, as an example of this split."""
        at, within = divmod(place, _BATCH_ROWS)
        cells = [column[within].as_py() for column in self._columns(at)]
        return self._example(place, split, cells)

    def get_all(self, places: Iterable[int], split: Split) -> Iterator[Example]:
        """The examples at these places. Neighbors are read together."""
        read = -1
        rows: list[tuple[Any, ...]] = []
        for place in places:
            at, within = divmod(place, _BATCH_ROWS)
            if at != read:
                rows = list(zip(*(c.to_pylist() for c in self._columns(at)), strict=True))
                read = at
            yield self._example(place, split, rows[within])

    def _example(self, place: int, split: Split, cells: Sequence[Any]) -> Example:
        stem, values, text, choices, gold, group = cells
        fields = dict(zip(self._fields, map(_restored, values), strict=True))
        number = self.numbers[place] if self.numbers else -1
        identity = stem if number < 0 else f"{stem}-{number}"
        return Example(identity, split, fields, text, tuple(choices), gold, group)

    def _add_group(self, group: str | None, content: str) -> None:
        if group is not None and not self.groups:
            self.groups.extend(self.contents)
        if group is not None or self.groups:
            self.groups.append(int(short_hash(group) if group else content, 16))

    def _write(self) -> None:
        import pyarrow as pa

        columns = [
            pa.array(values, field.type)
            for values, field in zip(zip(*self._waiting, strict=True), self._schema, strict=True)
        ]
        self._writer.write_batch(pa.record_batch(columns, schema=self._schema))
        self._waiting = []

    def _read_columns(self, at: int) -> list[Any]:
        return list(self._reader.get_batch(at).columns)

    @functools.cached_property
    def _reader(self) -> Any:
        """The file, complete and mapped into memory.

        It has no name, so it ends with this process.
        """
        import pyarrow as pa

        if self._waiting:
            self._write()
        self._writer.close()
        self._file.flush()
        mapped = mmap.mmap(self._file.fileno(), 0, access=mmap.ACCESS_READ)
        return pa.ipc.open_file(pa.BufferReader(pa.py_buffer(mapped)))


class SpooledExamples(Sequence[Example]):
    """Some of a spool's examples, in the order of `places`, as examples of `split`.

    A slice is one too.
    """

    def __init__(self, spool: Spool, places: Iterable[int], split: Split) -> None:
        self.spool = spool
        self.places = array("I", places)
        self._split = split

    def __len__(self) -> int:
        return len(self.places)

    def __iter__(self) -> Iterator[Example]:
        return self.spool.get_all(self.places, self._split)

    @overload
    def __getitem__(self, at: int) -> Example: ...
    @overload
    def __getitem__(self, at: slice) -> "SpooledExamples": ...
    def __getitem__(self, at: int | slice) -> "Example | SpooledExamples":
        if isinstance(at, slice):
            return SpooledExamples(self.spool, self.places[at], self._split)
        return self.spool.get(self.places[at], self._split)

    def contents(self) -> "array[int]":
        """The 8-byte hash of each one's content."""
        return array("Q", map(self.spool.contents.__getitem__, self.places))

    def groups(self) -> "array[int]":
        """The 8-byte hash of each one's group; empty where they have none."""
        return array(
            "Q", map(self.spool.groups.__getitem__, self.places) if self.spool.groups else ()
        )

    def chosen(self, choice: Iterable[bool], split: Split) -> "SpooledExamples":
        """Those of them that are chosen, as examples of another split."""
        kept = (place for place, take in zip(self.places, choice, strict=True) if take)
        return SpooledExamples(self.spool, kept, split)


def _stored(value: Any) -> str:
    return _TEXT + value if isinstance(value, str) else _NUMBER + json.dumps(value)


def _restored(stored: str) -> Any:
    return stored[1:] if stored[0] == _TEXT else json.loads(stored[1:])


def _schema(pa: Any) -> Any:
    """The columns of the file. Large strings, because a batch may pass 2 GiB."""
    return pa.schema(
        {
            "id": pa.large_string(),
            "fields": pa.list_(pa.large_string()),
            "input": pa.large_string(),
            "choices": pa.list_(pa.large_string()),
            "gold": pa.large_string(),
            "group": pa.large_string(),
        }
    )
