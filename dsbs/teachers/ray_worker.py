"""What runs on the machines of a Ray cluster: the batches that wait for an answer, and vLLM engines that answer them."""

import asyncio
import os
import pickle
import queue
import threading
from collections.abc import AsyncIterator, Iterator, Mapping
from concurrent.futures import Future
from dataclasses import replace
from itertools import count
from typing import Any

from dsbs.core.errors import InputError
from dsbs.core.records import Completion
from dsbs.teachers.protocol import Prompt, Sampling

Failure = tuple[str, str, str, str]
"""The parts of an InputError, which Ray cannot carry as such: where, got, expected, fix."""


class Supply:
    """An actor beside the run: batches by number, each kept until it is answered.

    So reading them is repeatable. When a machine is lost, Ray makes again what it held, and may read from the first batch on;
    what was answered by then is an empty batch.
    """

    def __init__(self) -> None:
        self._batches: dict[int, bytes | None] = {}
        self._known, self._changed = 0, asyncio.Condition()

    async def add(self, number: int, batch: bytes | None) -> None:
        """The next batch; None says that there are no more."""
        async with self._changed:
            self._batches[number], self._known = batch, number + 1
            self._changed.notify_all()

    async def forget(self, number: int) -> None:
        """This batch is answered."""
        self._batches.pop(number, None)

    async def read(self, number: int) -> bytes | None:
        """The batch of this number once it is there, b"" if it is answered, None behind the last one."""
        async with self._changed:
            await self._changed.wait_for(lambda: number < self._known)
        return self._batches.get(number, b"")


def read_supply(_: Any, supply: Any) -> Iterator[dict[str, list[Any]]]:
    """Every batch of a supply as a row of its own: the stream that Ray Data distributes."""
    import ray

    for number in count():
        batch = ray.get(supply.read.remote(number))
        if batch is None:
            return
        yield {"number": [number], "batch": [batch]}


class Replica:
    """One engine in an actor of Ray Data: answers rows of `read_supply`, many at a time, so that its batches stay full.

    It is the teacher of `--teacher vllm`, and so are its answers. Ray Data LLM's own stage gives neither the finish reason,
    without which a cut-off answer looks like a whole one, nor cached tokens.
    """

    def __init__(self, model: str, sampling: Sampling, settings: Mapping[str, Any]) -> None:
        from dsbs.teachers.vllm_engine import VllmTeacher

        self._asked: queue.SimpleQueue[Prompt] = queue.SimpleQueue()
        self._futures: dict[str, Future[Completion]] = {}
        self._keys = count()
        self._failure: Failure | None = None
        try:
            self._teacher = VllmTeacher(model, sampling, **settings)
        except InputError as error:
            # An exception here would have Ray try again elsewhere; the run is told instead, in one line.
            self._failure = (error.where, error.got, error.expected, error.fix)
            return
        threading.Thread(target=self._run, daemon=True).start()

    async def __call__(self, rows: Any) -> AsyncIterator[dict[str, list[Any]]]:
        """Rows with `number` and `batch`; the same numbers with what came of their batches, a list of completions."""
        for number, batch in zip(
            rows["number"].to_pylist(), rows["batch"].to_pylist(), strict=True
        ):
            answered: Any = self._failure
            if self._failure is None:
                prompts: list[Prompt] = pickle.loads(batch) if batch else []
                answered = await asyncio.gather(*map(self._answer, prompts))
            yield {"number": [number], "batch": [pickle.dumps(answered)]}

    async def _answer(self, prompt: Prompt) -> Completion:
        # The same prompt may be in flight twice, where Ray believes the first lost.
        key, future = str(next(self._keys)), Future[Completion]()
        self._futures[key] = future
        self._asked.put(replace(prompt, id=key))
        return replace(await asyncio.wrap_future(future), id=prompt.id)

    def _run(self) -> None:
        """Step the engine for ever. When it breaks the process goes, so that Ray starts another and asks that again."""
        try:
            for completion in self._teacher.complete(self._prompts()):
                if completion is not None:
                    future = self._futures.pop(completion.id)
                    if future.set_running_or_notify_cancel():
                        future.set_result(completion)
        finally:
            os._exit(1)

    def _prompts(self) -> Iterator[Prompt | None]:
        while True:
            try:
                yield self._asked.get(block=not self._futures)
            except queue.Empty:
                yield None
