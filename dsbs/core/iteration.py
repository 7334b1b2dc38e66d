"""Rows that come one by one: in batches, and from several sequences."""

from collections.abc import Collection, Iterable, Iterator, Sequence
from itertools import chain, islice
from typing import TypeVar

T = TypeVar("T")


def batched(rows: Iterable[T], size: int) -> Iterator[list[T]]:
    """Lists of at most `size` rows, drawn lazily; itertools.batched comes with Python 3.12."""
    iterator = iter(rows)
    while batch := list(islice(iterator, size)):
        yield batch


class Chain(Collection[T]):
    """Several sequences as one collection, without a copy."""

    def __init__(self, parts: Sequence[Sequence[T]]) -> None:
        self._parts = parts

    def __len__(self) -> int:
        return sum(map(len, self._parts))

    def __iter__(self) -> Iterator[T]:
        return chain.from_iterable(self._parts)

    def __contains__(self, item: object) -> bool:
        return any(item in part for part in self._parts)
