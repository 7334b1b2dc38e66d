"""Rows of several calls in one batch: what comes while a batch is read goes into the next."""

import asyncio
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

from dsbs.core.records import Example, Prediction
from dsbs.runtimes.loaded import LoadedStudent
from dsbs.serving.settings import Batching


class Overloaded(Exception):
    """More rows wait than may. `retry_after` is in seconds."""

    def __init__(self, retry_after: int) -> None:
        super().__init__("too many rows wait")
        self.retry_after = retry_after


@dataclass(frozen=True)
class Wanted:
    """What a call wants of every row."""

    explain: bool = False
    confidence: bool = False
    """Scores, by which a contract decides."""


@dataclass
class _Call:
    """Rows of one call that wait for the student."""

    examples: Sequence[Example]
    wanted: Wanted
    answered: "asyncio.Future[list[Prediction]]" = field(
        default_factory=lambda: asyncio.get_running_loop().create_future()
    )


class Batcher:
    """Gives the student one batch at a time, in a thread of its own."""

    def __init__(
        self,
        student: LoadedStudent,
        batching: Batching,
        *,
        waiting_rows: int,
        on_batch: Callable[[int], None] = lambda rows: None,
    ) -> None:
        self._student = student
        self._batching = batching
        self._most_waiting = waiting_rows
        self._on_batch = on_batch
        self._calls: list[_Call] = []
        self._there = asyncio.Event()
        self._thread = ThreadPoolExecutor(1, "student")
        self._worker: asyncio.Task[None] | None = None
        self._row_s = 0.01
        """Seconds of a row, as seen last."""
        self.waiting = 0
        """Rows that wait."""

    async def predict(self, examples: Sequence[Example], wanted: Wanted) -> list[Prediction]:
        """One prediction per example, in order. Raises Overloaded where too many rows wait."""
        if not examples:
            return []
        if self.waiting and self.waiting + len(examples) > self._most_waiting:
            raise Overloaded(max(1, round(self.waiting * self._row_s)))
        if self._worker is None:
            self._worker = asyncio.create_task(self._work())
        call = _Call(examples, wanted)
        self._calls.append(call)
        self.waiting += len(examples)
        self._there.set()
        return await call.answered

    async def close(self) -> None:
        """Stop. Calls that wait are cancelled."""
        if self._worker is not None:
            self._worker.cancel()
        for call in self._calls:
            call.answered.cancel()
        self._thread.shutdown(wait=False)

    async def _work(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            await self._there.wait()
            if self._batching.wait_s and self.waiting < self._batching.rows:
                await asyncio.sleep(self._batching.wait_s)
            batch = self._next()
            if not batch:
                continue
            started = time.monotonic()
            rows = [example for call in batch for example in call.examples]
            try:
                found = await loop.run_in_executor(self._thread, self._read, rows, batch[0].wanted)
            except Exception as error:  # goes to the calls of this batch; the next is another
                _fail(batch, error)
                continue
            self._row_s = (time.monotonic() - started) / len(rows)
            self._on_batch(len(rows))
            _hand_out(batch, found)

    def _next(self) -> list[_Call]:
        """Calls that want the same, the oldest first, up to the rows of one batch."""
        batch: list[_Call] = []
        left: list[_Call] = []
        rows = 0
        for call in self._calls:
            if call.answered.done():  # its client is gone
                self.waiting -= len(call.examples)
                continue
            fits = not batch or (
                call.wanted == batch[0].wanted and rows + len(call.examples) <= self._batching.rows
            )
            (batch if fits else left).append(call)
            rows += len(call.examples) if fits else 0
        self._calls = left
        self.waiting -= rows
        if not left:
            self._there.clear()
        return batch

    def _read(self, rows: Sequence[Example], wanted: Wanted) -> list[Prediction]:
        return self._student.predict_examples(
            rows, explain=wanted.explain, confidence=wanted.confidence
        )


def _fail(batch: Sequence[_Call], error: Exception) -> None:
    for call in batch:
        if not call.answered.done():
            call.answered.set_exception(error)


def _hand_out(batch: Sequence[_Call], found: Sequence[Prediction]) -> None:
    at = 0
    for call in batch:
        own = list(found[at : at + len(call.examples)])
        at += len(call.examples)
        if not call.answered.done():
            call.answered.set_result(own)
