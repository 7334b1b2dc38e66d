"""Drives many requests at once from a plain generator.

The event loop runs only while the caller waits for a result. So the caller's thread does everything
(the connection of a store never changes threads), prompts are drawn only when there is room for
them, and closing the generator cancels what is in flight.
"""

import asyncio
import contextlib
from collections import deque
from collections.abc import Awaitable, Callable, Iterable, Iterator
from typing import Generic, TypeVar

from dsbs.teachers.protocol import IDLE, WAIT, Idle, Wait

_IDLE_S = 0.02
"""Seconds without a result before the caller gets an IDLE."""

Item = TypeVar("Item")
Result = TypeVar("Result")


def drive(
    loop: asyncio.AbstractEventLoop,
    items: Iterable[Item | Wait],
    work: Callable[[Item], Awaitable[Result]],
    limit: Callable[[], int],
) -> Iterator[Result | Idle]:
    """Results of `work` as they come, with at most `limit()` items in flight at a time.

    When `work` raises, no more items are drawn. What is in flight is still awaited and handed on,
    because it may have been paid for; then the exception is raised.
    """
    flight = _Flight(loop, items, work)
    try:
        while True:
            flight.fill(limit())
            if not flight.tasks:
                if flight.exhausted:
                    break
                yield IDLE
                continue
            yield from flight.arrivals()
        if flight.broken is not None:
            raise flight.broken
    finally:
        flight.cancel()


class _Flight(Generic[Item, Result]):
    """The requests in flight, and the items that wait to be sent."""

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        items: Iterable[Item | Wait],
        work: Callable[[Item], Awaitable[Result]],
    ) -> None:
        self._loop = loop
        self._items = iter(items)
        self._work = work
        self._arrived = asyncio.Event()
        self._finished: deque[asyncio.Task[Result]] = deque()
        self.tasks: set[asyncio.Task[Result]] = set()
        self.exhausted = False
        self.broken: BaseException | None = None

    def fill(self, limit: int) -> None:
        """Start requests until `limit` of them are in flight or there is no item now."""
        while not self.exhausted and len(self.tasks) < limit:
            try:
                item = next(self._items)
            except StopIteration:
                self.exhausted = True
                return
            if item is WAIT:
                return
            task = self._loop.create_task(_awaited(self._work(item)))
            task.add_done_callback(self._note)
            self.tasks.add(task)

    def arrivals(self) -> Iterator[Result | Idle]:
        """Wait for a short time, and give what has finished; IDLE where nothing has."""
        self._loop.run_until_complete(self._some())
        if not self._finished:
            yield IDLE
        while self._finished:
            task = self._finished.popleft()
            self.tasks.discard(task)
            if (error := task.exception()) is None:
                yield task.result()
            else:
                self.broken = self.broken or error
                self.exhausted = True

    def cancel(self) -> None:
        """Cancel what is in flight."""
        for task in self.tasks:
            task.cancel()
        if self.tasks:
            self._loop.run_until_complete(asyncio.gather(*self.tasks, return_exceptions=True))

    def _note(self, task: "asyncio.Task[Result]") -> None:
        self._finished.append(task)
        self._arrived.set()

    async def _some(self) -> None:
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._arrived.wait(), _IDLE_S)
        self._arrived.clear()


async def _awaited(work: Awaitable[Result]) -> Result:
    return await work


def groups(items: Iterable[Item | Wait], size: int) -> Iterator[list[Item] | Wait]:
    """Lists of at most `size` items. Before a WAIT, the items so far are handed on."""
    group: list[Item] = []
    for item in items:
        if not isinstance(item, Wait):
            group.append(item)
        if group and (item is WAIT or len(group) == size):
            yield group
            group = []
        if item is WAIT:
            yield WAIT
    if group:
        yield group
