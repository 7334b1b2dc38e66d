"""Drives many requests at once from a plain generator: the event loop runs only while somebody waits for a result.

So the caller's thread does everything (a store's connection never changes threads), prompts are drawn only when there is
room for them, and closing the generator cancels what is in flight.
"""

import asyncio
import contextlib
from collections import deque
from collections.abc import Awaitable, Callable, Iterable, Iterator
from typing import TypeVar

_IDLE_S = 0.02
"""After so long without an answer the caller hears of it, and may commit what came before."""


Item = TypeVar("Item")
Result = TypeVar("Result")


class _End:
    pass


_END = _End()


def drive(
    loop: asyncio.AbstractEventLoop,
    items: Iterable[Item | None],
    work: Callable[[Item], Awaitable[Result]],
    limit: Callable[[], int],
) -> Iterator[Result | None]:
    """Results of `work`, as they come, of at most `limit()` items at a time; None when none has come for a while.

    An item None means that there may be more once something in flight is answered. After an exception of `work` nothing more
    is drawn; what is in flight is still waited for and handed on, because it may be paid for, and then it is raised.
    """
    waiting: deque[asyncio.Task[Result]] = deque()
    tasks: set[asyncio.Task[Result]] = set()
    arrived = asyncio.Event()
    iterator = iter(items)
    exhausted = False
    broken: BaseException | None = None

    def finished(task: asyncio.Task[Result]) -> None:
        waiting.append(task)
        arrived.set()

    async def some() -> None:
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(arrived.wait(), _IDLE_S)
        arrived.clear()

    try:
        while True:
            while not exhausted and len(tasks) < limit():
                item = next(iterator, _END)
                if item is None:
                    break
                if isinstance(item, _End):
                    exhausted = True
                    break
                task = loop.create_task(_awaited(work(item)))
                task.add_done_callback(finished)
                tasks.add(task)
            if not tasks:
                if exhausted:
                    break
                yield None
                continue
            loop.run_until_complete(some())
            if not waiting:
                yield None
            while waiting:
                task = waiting.popleft()
                tasks.discard(task)
                if (error := task.exception()) is not None:
                    broken, exhausted = broken or error, True
                else:
                    yield task.result()
        if broken is not None:
            raise broken
    finally:
        for task in tasks:
            task.cancel()
        if tasks:
            loop.run_until_complete(asyncio.gather(*tasks, return_exceptions=True))


async def _awaited(work: Awaitable[Result]) -> Result:
    return await work


def groups(items: Iterable[Item | None], size: int) -> Iterator[list[Item] | None]:
    """Lists of at most `size` items. At a None, a wait for what is in flight, what is there is handed on, and the None."""
    group: list[Item] = []
    for item in items:
        if item is not None:
            group.append(item)
        if group and (item is None or len(group) == size):
            yield group
            group = []
        if item is None:
            yield None
    if group:
        yield group
