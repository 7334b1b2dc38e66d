"""Examples in a temporary file, so that memory hardly grows with them: of each row 16 bytes stay, 24 where rows have groups."""

import functools
import pickle
import tempfile
from array import array
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, overload

from dsbs.core.hashing import short_hash
from dsbs.core.records import Example, Split

_BLOCK, _BLOCKS_IN_MEMORY, _BYTES_IN_MEMORY = 256, 4, 1 << 24
"""Examples that are written and read at once; blocks of them kept at hand; bytes before the file is really one."""


class Shelf:
    """Takes examples one after the other and gives any of them back. Nothing but this process writes or reads the file.

    `contents` are 8-byte hashes by place, `groups` too where any example has one (of its content where it has none).
    `numbers`, once they are there, end the ids: 1 for the second of its content; -1 where the id came with the row.
    """

    def __init__(self) -> None:
        self._file = tempfile.SpooledTemporaryFile(max_size=_BYTES_IN_MEMORY)  # noqa: SIM115 - as long-lived as the shelf
        self._starts, self._block = array("q"), list[tuple[Any, ...]]()
        self._read = functools.lru_cache(_BLOCKS_IN_MEMORY)(self._read_block)
        self.contents, self.groups, self.numbers = array("Q"), array("Q"), array("i")

    def __len__(self) -> int:
        return len(self._starts) * _BLOCK + len(self._block)

    def add(self, example: Example, content: str) -> None:
        """Take an example whose content has this hash. Its place is the number of those before it."""
        self._add_group(example.group, content)
        self.contents.append(int(content, 16))
        self._block.append(
            (
                example.id,
                example.fields,
                example.input,
                example.choices,
                example.gold,
                example.group,
            )
        )
        if len(self._block) == _BLOCK:
            self._starts.append(self._file.seek(0, 2))
            self._file.write(pickle.dumps(self._block, pickle.HIGHEST_PROTOCOL))
            self._block = []

    def _add_group(self, group: str | None, content: str) -> None:
        if group is not None and not self.groups:
            self.groups.extend(self.contents)
        if group is not None or self.groups:
            self.groups.append(int(short_hash(group) if group else content, 16))

    def get(self, place: int, split: Split) -> Example:
        """The example at a place, as one of a split."""
        at, within = divmod(place, _BLOCK)
        stem, *rest = self._read(at)[within] if at < len(self._starts) else self._block[within]
        number = self.numbers[place] if self.numbers else -1
        return Example(stem if number < 0 else f"{stem}-{number}", split, *rest)

    def _read_block(self, at: int) -> list[tuple[Any, ...]]:
        self._file.seek(self._starts[at])
        block: list[tuple[Any, ...]] = pickle.load(self._file)  # written above
        return block


class Shelved(Sequence[Example]):
    """Some of a shelf's examples, in the order of `places`, as examples of `split`. A slice is Shelved too."""

    def __init__(self, shelf: Shelf, places: Iterable[int], split: Split) -> None:
        self.shelf, self.places, self._split = shelf, array("I", places), split

    def __len__(self) -> int:
        return len(self.places)

    def __iter__(self) -> Iterator[Example]:
        return (self.shelf.get(place, self._split) for place in self.places)

    @overload
    def __getitem__(self, at: int) -> Example: ...
    @overload
    def __getitem__(self, at: slice) -> "Shelved": ...
    def __getitem__(self, at: int | slice) -> "Example | Shelved":
        if isinstance(at, slice):
            return Shelved(self.shelf, self.places[at], self._split)
        return self.shelf.get(self.places[at], self._split)

    def contents(self) -> "array[int]":
        """The 8-byte hash of each one's content."""
        return array("Q", map(self.shelf.contents.__getitem__, self.places))

    def groups(self) -> "array[int]":
        """The 8-byte hash of each one's group; empty where they have none."""
        return array(
            "Q", map(self.shelf.groups.__getitem__, self.places) if self.shelf.groups else ()
        )

    def of(self, chosen: Iterable[bool], split: Split) -> "Shelved":
        """Those of them that are chosen, as examples of another split."""
        return Shelved(
            self.shelf, (p for p, take in zip(self.places, chosen, strict=True) if take), split
        )
