"""How many requests are looked up together, and how many answers are committed together."""

import time
from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from typing import TypeVar

from dsbs.core.records import Completion
from dsbs.teachers.protocol import Idle

_Item = TypeVar("_Item")

_LEAST_ROWS = 16
_MOST_ROWS = 512
"""Requests that are looked up and claimed together. As many as are asked for in a second or two, so
that a slow run leaves the others to runs that share its store."""

_COMMIT_ROWS = 512
_COMMIT_S = 0.1
_COMMIT_SHARE = 0.1
"""An answer is committed as soon as it arrives, unless commits would then take more than this share
of the time. Then it waits for others: at most so many, and at most so long after the last commit.
When the teacher is idle, nothing waits."""


def in_batches(requests: Iterable[_Item]) -> Iterator[list[_Item]]:
    """Batches that take a second or two each, within the bounds on their size."""
    iterator = iter(requests)
    size = _LEAST_ROWS
    while batch := list(islice(iterator, size)):
        started = time.monotonic()
        yield batch
        seconds = time.monotonic() - started
        if seconds < 1:
            size = min(2 * size, _MOST_ROWS)
        elif seconds > 4:
            size = max(size // 2, _LEAST_ROWS)


def in_commits(
    completions: Iterable[Completion | Idle], clock: Callable[[], float] = time.monotonic
) -> Iterator[list[Completion]]:
    """Completions in groups that are committed together, while the caller holds each group.

    What has arrived is handed on even when the source breaks off.
    """
    waiting: list[Completion] = []
    due = clock()
    try:
        for completion in completions:
            idle = isinstance(completion, Idle)
            if not isinstance(completion, Idle):
                waiting.append(completion)
            now = clock()
            if waiting and (idle or now >= due or len(waiting) >= _COMMIT_ROWS):
                yield waiting
                waiting = []
                due = _next_commit(now, clock())
    except (Exception, KeyboardInterrupt):
        if waiting:
            yield waiting
        raise
    if waiting:
        yield waiting


def _next_commit(begun: float, ended: float) -> float:
    """When an answer may be committed alone again, after a commit that took this long."""
    return ended + min((ended - begun) / _COMMIT_SHARE, _COMMIT_S)
