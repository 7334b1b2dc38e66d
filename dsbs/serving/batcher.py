"""Rows of several calls in one batch: what comes while a batch is read goes into the next."""

import asyncio
import contextlib
import queue
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from dsbs.core.records import Example, Prediction
from dsbs.runtimes.loaded import LoadedStudent
from dsbs.serving.settings import Batching

_QUICK_S = 0.0005
"""Seconds of work for which another thread is not worth it, while nothing waits."""

_SEEN = 5


class Overloaded(Exception):
    """More rows wait than may. `retry_after` is in seconds."""

    def __init__(self, retry_after: int) -> None:
        super().__init__("too many rows wait")
        self.retry_after = retry_after


class Wanted(NamedTuple):
    """What a call wants of every row."""

    explain: bool = False
    confidence: bool = False
    """Scores, by which a contract decides."""
    tokens: bool = False
    """How many tokens are read and written."""


@dataclass(frozen=True)
class _Call:
    """Rows of one call that wait for the student."""

    examples: Sequence[Example]
    wanted: Wanted
    loop: asyncio.AbstractEventLoop
    answered: "asyncio.Future[list[Prediction]]"


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
        self._calls: queue.SimpleQueue[_Call | None] = queue.SimpleQueue()
        self._left: deque[_Call] = deque()
        """Calls that did not fit into the last batch."""
        self._thread: threading.Thread | None = None
        self._seen = deque([0.01], maxlen=_SEEN)
        """Seconds of a row, in each of the last batches."""
        self._row_s = 0.01
        """Their median: a batch that the machine held up says nothing about the next."""
        self.waiting = 0
        """Rows that have no answer yet."""

    async def predict(self, examples: Sequence[Example], wanted: Wanted) -> list[Prediction]:
        """One prediction per example, in order. Raises Overloaded where too many rows wait."""
        if not examples:
            return []
        if self.waiting and self.waiting + len(examples) > self._most_waiting:
            raise Overloaded(max(1, round(self.waiting * self._row_s)))
        if not self.waiting and len(examples) * self._row_s < _QUICK_S:
            return self._predicted(examples, wanted)
        if self._thread is None:
            self._thread = threading.Thread(target=self._work, name="student", daemon=True)
            self._thread.start()
        loop = asyncio.get_running_loop()
        call = _Call(examples, wanted, loop, loop.create_future())
        self.waiting += len(examples)
        self._calls.put(call)
        return await call.answered

    def close(self) -> None:
        """Stop behind the batch that is being read."""
        self._calls.put(None)

    def _work(self) -> None:
        while batch := self._next():
            # Of calls that were given up, only the count is left.
            live = [call for call in batch if not call.answered.cancelled()]
            found = self._read(live) if live else []
            rows = sum(len(call.examples) for call in batch)
            with contextlib.suppress(RuntimeError):  # the loop is closed, and nobody waits
                batch[0].loop.call_soon_threadsafe(self._hand_out, live, found, rows)

    def _read(self, calls: Sequence[_Call]) -> list[Prediction] | Exception:
        """The predictions of all rows; an error goes to these calls, and the next batch is read."""
        rows = [example for call in calls for example in call.examples]
        try:
            return self._predicted(rows, calls[0].wanted)
        except Exception as error:
            return error

    def _predicted(self, rows: Sequence[Example], wanted: Wanted) -> list[Prediction]:
        started = time.monotonic()
        found = self._student.predict_examples(
            rows, explain=wanted.explain, confidence=wanted.confidence, tokens=wanted.tokens
        )
        self._seen.append((time.monotonic() - started) / len(rows))
        self._row_s = sorted(self._seen)[len(self._seen) // 2]
        self._on_batch(len(rows))
        return found

    def _next(self) -> list[_Call]:
        """Calls that want the same, the oldest first, up to one batch of rows; [] at the end."""
        first = self._left.popleft() if self._left else self._calls.get()
        if first is None:
            return []
        batch = [first]
        rows = len(first.examples)
        until = time.monotonic() + self._batching.wait_s
        while rows < self._batching.rows:
            call = self._waiting_call(until)
            if call is None:
                break
            if call.wanted == first.wanted and rows + len(call.examples) <= self._batching.rows:
                batch.append(call)
                rows += len(call.examples)
            else:
                self._left.append(call)
                break
        return batch

    def _waiting_call(self, until: float) -> _Call | None:
        """The next call that is there before a moment; None for none, and at the end."""
        if self._left:
            return self._left.popleft()
        try:
            left = until - time.monotonic()
            call = self._calls.get(timeout=left) if left > 0 else self._calls.get_nowait()
        except queue.Empty:
            return None
        if call is None:
            self._calls.put(None)  # the end, once this batch is read
        return call

    def _hand_out(
        self, calls: Sequence[_Call], found: list[Prediction] | Exception, rows: int
    ) -> None:
        self.waiting -= rows
        at = 0
        for call in calls:
            own = found if isinstance(found, Exception) else found[at : at + len(call.examples)]
            at += len(call.examples)
            if call.answered.done():  # its client is gone
                continue
            if isinstance(own, Exception):
                call.answered.set_exception(own)
            else:
                call.answered.set_result(own)
