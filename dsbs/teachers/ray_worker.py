"""What runs on the machines of a Ray cluster: waiting batches, and vLLM engines."""

import asyncio
import os
import pickle
import queue
import threading
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import Future
from dataclasses import replace
from itertools import count
from typing import Any

from dsbs.core.errors import InputError
from dsbs.core.records import Completion
from dsbs.teachers.protocol import WAIT, EngineOptions, Idle, Prompt, Sampling, Wait

Failure = tuple[str, str, str, str]
"""The parts of an InputError, which Ray cannot send as such: where, got, expected, fix."""


class Supply:
    """An actor beside the run that holds batches by number, each until it is answered.

    So reading can be repeated. When a machine is lost, Ray computes again what it held, and may
    read from the first batch on; a batch that has been answered by then is empty.
    """

    def __init__(self) -> None:
        self._batches: dict[int, bytes | None] = {}
        self._known = 0
        self._changed = asyncio.Condition()

    async def add(self, number: int, batch: bytes | None) -> None:
        """Add the next batch; None after the last one."""
        async with self._changed:
            self._batches[number] = batch
            self._known = number + 1
            self._changed.notify_all()

    async def forget(self, number: int) -> None:
        """Drop a batch that is answered."""
        self._batches.pop(number, None)

    async def read(self, number: int) -> bytes | None:
        """Wait for the batch of this number; b"" if it is answered, None after the last one."""
        async with self._changed:
            await self._changed.wait_for(lambda: number < self._known)
        return self._batches.get(number, b"")


def read_supply(_: Any, supply: Any) -> Iterator[dict[str, list[Any]]]:
    """Every batch of a supply as one row: the stream that Ray Data distributes."""
    import ray

    for number in count():
        batch = ray.get(supply.read.remote(number))
        if batch is None:
            return
        yield {"number": [number], "batch": [batch]}


class Replica:
    """One engine in an actor of Ray Data. It answers many rows of `read_supply` at a time.

    It is the teacher of `--engine vllm`, so its answers are the same. Ray Data LLM's own stage
    gives neither the finish reason, without which a cut-off answer looks like a whole one, nor
    cached tokens.
    """

    def __init__(self, options: EngineOptions, sampling: Sampling) -> None:
        from dsbs.teachers.vllm_engine import VllmTeacher

        self._waiting: queue.SimpleQueue[Prompt] = queue.SimpleQueue()
        self._futures: dict[str, Future[Completion]] = {}
        self._keys = count()
        self._failure: Failure | None = None
        try:
            self._teacher = VllmTeacher(options, sampling)
        except InputError as error:
            # After an exception here Ray would try elsewhere. Sent back, it ends the run in one
            # line.
            self._failure = (error.where, error.got, error.expected, error.fix)
            return
        threading.Thread(target=self._run, daemon=True).start()

    async def __call__(self, rows: Any) -> AsyncIterator[dict[str, list[Any]]]:
        """Answer rows with `number` and `batch`.

        Yields the same numbers; `batch` holds the pickled completions, or a `Failure`.
        """
        numbers = rows["number"].to_pylist()
        for number, batch in zip(numbers, rows["batch"].to_pylist(), strict=True):
            answered: Any = self._failure
            if self._failure is None:
                prompts: list[Prompt] = pickle.loads(batch) if batch else []
                answered = await asyncio.gather(*map(self._answer, prompts))
            yield {"number": [number], "batch": [pickle.dumps(answered)]}

    async def _answer(self, prompt: Prompt) -> Completion:
        # The same prompt may be in flight twice, where Ray believes that the first was lost.
        key = str(next(self._keys))
        future = Future[Completion]()
        self._futures[key] = future
        self._waiting.put(replace(prompt, id=key))
        return replace(await asyncio.wrap_future(future), id=prompt.id)

    def _run(self) -> None:
        """Step the engine for ever.

        When it breaks, the process ends, so that Ray starts another and asks that one again.
        """
        try:
            for completion in self._teacher.complete(self._prompts()):
                if isinstance(completion, Idle):
                    continue
                future = self._futures.pop(completion.id)
                if future.set_running_or_notify_cancel():
                    future.set_result(completion)
        finally:
            os._exit(1)

    def _prompts(self) -> Iterator[Prompt | Wait]:
        while True:
            try:
                yield self._waiting.get(block=not self._futures)
            except queue.Empty:
                yield WAIT
