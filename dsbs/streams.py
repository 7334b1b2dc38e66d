"""Small helpers for rows that come one by one."""

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import TypeVar

T = TypeVar("T")


def batched(rows: Iterable[T], size: int) -> Iterator[list[T]]:
    """Lists of at most `size` rows, drawn lazily. (itertools.batched comes with Python 3.12.)"""
    iterator = iter(rows)
    while batch := list(islice(iterator, size)):
        yield batch
