"""Examples in a temporary file, so that the memory of a run does not grow with its rows."""

import pickle
import tempfile
from array import array
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import overload

from dsbs.records import Example, Split

_IN_MEMORY = 1 << 24
"""Bytes before the file is really one."""


class Shelf:
    """Takes examples one after the other and gives any of them back. Nothing but this process writes or reads the file."""

    def __init__(self) -> None:
        self._file = tempfile.SpooledTemporaryFile(max_size=_IN_MEMORY)  # noqa: SIM115 - as long-lived as the shelf
        self._starts = array("q")

    def add(self, example: Example) -> int:
        """Its place, counted from 0."""
        self._starts.append(self._file.seek(0, 2))
        self._file.write(pickle.dumps(example, pickle.HIGHEST_PROTOCOL))
        return len(self._starts) - 1

    def __getitem__(self, place: int) -> Example:
        self._file.seek(self._starts[place])
        example: Example = pickle.load(self._file)  # written above
        return example


class Shelved(Sequence[Example]):
    """Some of a shelf's examples, in the order of `places`, as examples of `split`. A slice is Shelved too."""

    def __init__(self, shelf: Shelf, places: Iterable[int], split: Split) -> None:
        self._shelf, self._places, self._split = shelf, array("q", places), split

    def __len__(self) -> int:
        return len(self._places)

    @overload
    def __getitem__(self, at: int) -> Example: ...
    @overload
    def __getitem__(self, at: slice) -> "Shelved": ...
    def __getitem__(self, at: int | slice) -> "Example | Shelved":
        if isinstance(at, slice):
            return Shelved(self._shelf, self._places[at], self._split)
        return replace(self._shelf[self._places[at]], split=self._split)

    def of(self, chosen: Iterable[bool], split: Split) -> "Shelved":
        """Those of them that are chosen, as examples of another split."""
        return Shelved(self._shelf, [p for p, take in zip(self._places, chosen, strict=True) if take], split)
