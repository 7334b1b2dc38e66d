"""Asks for what the store lacks, and commits every answer before it is counted."""

import contextlib
import time
from array import array
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple, Protocol

from dsbs.artifacts.answer_store import AnswerStore, Claimed
from dsbs.artifacts.store_queries import Asked, Purpose
from dsbs.core.files import write_text
from dsbs.core.progress import Progress, say
from dsbs.core.records import Completion, Example, Outcome
from dsbs.labeling.budget import Spending
from dsbs.labeling.pacing import in_batches, in_commits
from dsbs.teachers.protocol import WAIT, Idle, Prompt, Wait

_JUDGED_ALL = 200
_JUDGED_ONE_IN = 100
"""Answers that are parsed to see whether they can be used: the first ones, then one in so many. To
parse each would take a fast teacher's run half as long again."""

_REPORT_S = 1.0
"""Seconds between reports for other programs."""
_POLL_S = 0.5
"""Seconds between looks at the answers that another process is asking for."""


class Request(NamedTuple):
    """One request for an example."""

    position: int
    """Place of the example in the order of the data."""
    purpose: Purpose
    sample: int
    example: Example
    prompt: Prompt

    def as_asked(self) -> Asked:
        """The same as the store writes it down."""
        return Asked(self.position, self.purpose, self.sample, self.prompt.id, self.example)


class AnswerSource(Protocol):
    """Where answers come from: a teacher, or files of answers."""

    name: str

    def complete(
        self, prompts: Iterable[Prompt | Wait]
    ) -> Generator[Completion | Idle, None, None]:
        """See `Teacher.complete`."""
        ...


class Labeler:
    """Serves the requests of one run from the store and from a source of answers."""

    def __init__(
        self,
        store: AnswerStore,
        source: AnswerSource,
        spending: Spending,
        *,
        run: str,
        task: str,
        progress_json: Path | None = None,
        fault: Callable[[Example, Completion], Outcome | None] | None = None,
        digest: Callable[[Example, Completion], Completion] | None = None,
    ) -> None:
        """Begin a run.

        Args:
            store: Has the answers so far, and gets the new ones.
            source: Gives the answers.
            spending: Counts, and says when to stop.
            run: Name of the run in the store.
            task: Hash of the task's definition.
            progress_json: File for the state of the run, for other programs.
            fault: The outcome of an answer that cannot be used. Default: nobody wants to know.
            digest: What is kept of a completion. Default: all of it.
        """
        self._store = store
        self._source = source
        self._spending = spending
        self._run = run
        self._task = task
        self._progress_json = progress_json
        self._fault = fault
        self._digest = digest
        self._in_flight: dict[str, Example] = {}
        self._failed: set[int] = set()
        """Hashes of the keys that failed in this run: they are not asked again for equal rows."""
        self._reported_at = 0.0
        self._seen = 0
        self.stopped = ""
        """Which limit ended the run, or ""."""

    def label(self, requests: Callable[[], Iterable[Request]], progress: Progress) -> None:
        """Have every request answered.

        Requests are drawn lazily, and only those in flight are held in memory. They are written
        into the store first, so that `AnswerStore.answers(run)` gives all of them in order. What
        another process is asking for is left to it, and its answer is used once it is there.

        Args:
            requests: Gives the requests, and gives them again where some were left to others.
            progress: Counts them.
        """
        left = array("Q")
        self._complete(self._prompts(requests(), left, progress), progress)
        if left and not self.stopped:
            who = "; ".join(self._store.other_askers()) or "a run that has ended"
            say(f"{len(left):,} answers are being asked for by {who}; waiting for them")
            self._complete(self._prompts_left(requests(), left, progress), progress)
        self._store.release()
        self._report(now=True)

    def _complete(self, prompts: Iterable[Prompt | Wait], progress: Progress) -> None:
        """Have the source answer prompts; commit and count what it answers."""
        with contextlib.closing(self._source.complete(prompts)) as answered:
            for completions in in_commits(answered):
                kept = self._keep(completions)
                pairs = [(self._in_flight.pop(completion.id), completion) for completion in kept]
                self._failed.update(hash(c.id) for c in kept if c.error is not None)
                self._spending.add(kept, faults=self._faults(pairs))
                progress.add(len(kept), self._spending.note())
                self._report()

    def _keep(self, completions: Sequence[Completion]) -> Sequence[Completion]:
        """Commit completions. An interrupt takes back what is half written, so it is repeated."""
        if digest := self._digest:
            completions = [digest(self._in_flight[one.id], one) for one in completions]
        try:
            return self._store.keep(self._source.name, completions)
        except KeyboardInterrupt:
            self._store.keep(self._source.name, completions)
            raise

    def _faults(self, pairs: Sequence[tuple[Example, Completion]]) -> list[Outcome | None]:
        """Outcomes of answers that cannot be used: of the first all are judged, later few."""
        if self._fault is None:
            return []
        faults = []
        for pair in pairs:
            self._seen += 1
            if self._seen <= _JUDGED_ALL or self._seen % _JUDGED_ONE_IN == 0:
                faults.append(self._fault(*pair))
        return faults

    def _prompts(
        self, requests: Iterable[Request], left: "array[int]", progress: Progress
    ) -> Iterator[Prompt | Wait]:
        """The prompts that this process has to ask; `left` gets the places of those of others."""
        for batch in in_batches(enumerate(requests)):
            asked = [request.as_asked() for _, request in batch]
            claimed = self._store.ask(self._run, self._task, asked)
            others: list[_Placed] = []
            yield from self._serve(batch, claimed, others, progress)
            if self.stopped:
                return
            left.extend(place for place, _ in others)

    def _prompts_left(
        self, requests: Iterable[Request], left: "array[int]", progress: Progress
    ) -> Iterator[Prompt | Wait]:
        """The same for requests that were left to others: wait until each is answered or free."""
        for batch in in_batches(_at_places(requests, left)):
            waiting: Sequence[_Placed] = batch
            while waiting:
                claimed = self._store.claim([request.prompt.id for _, request in waiting])
                others: list[_Placed] = []
                yield from self._serve(waiting, claimed, others, progress)
                if self.stopped:
                    return
                waiting = others
                if waiting:
                    yield from self._pause()

    def _serve(
        self,
        batch: Sequence["_Placed"],
        claimed: Claimed,
        others: list["_Placed"],
        progress: Progress,
    ) -> Iterator[Prompt | Wait]:
        """The prompts of a batch that are to be asked; `others` gets what another is asking for.

        A request that this run has sent already, for an equal row, is not sent again. Those that
        are in flight now may be answered before their turn comes, so they are noted.
        """
        keys = {request.prompt.id for _, request in batch}
        failed = {key for key in keys if hash(key) in self._failed}
        self._store.give_up(failed & claimed.mine)
        sent = failed | (keys & self._in_flight.keys())
        for placed in batch:
            request = placed[1]
            key = request.prompt.id
            if key in claimed.finished or key in sent:
                self._spending.reused += 1
                progress.skip(1)
            elif key in claimed.mine:
                sent.add(key)
                yield from self._send(request)
                if self.stopped:
                    return
            else:
                others.append(placed)

    def _send(self, request: Request) -> Iterator[Prompt | Wait]:
        """The prompt of a request, once there is money for it; else the run is stopped."""
        while reason := self._spending.stop(len(self._in_flight), request.prompt):
            if not self._in_flight:
                self.stopped = reason
                say(f"stopping: {reason}; the same command goes on from here")
                return
            yield WAIT  # what is in flight may cost less than expected
        self._in_flight[request.prompt.id] = request.example
        yield request.prompt

    def _pause(self) -> Iterator[Wait]:
        """Wait a moment for other processes, while what is in flight goes on."""
        until = time.monotonic() + _POLL_S
        while time.monotonic() < until:
            if self._in_flight:
                yield WAIT
            else:
                time.sleep(0.05)

    def _report(self, *, now: bool = False) -> None:
        if self._progress_json is None:
            return
        if now or time.monotonic() - self._reported_at >= _REPORT_S:
            self._reported_at = time.monotonic()
            write_text(self._progress_json, self._spending.state().model_dump_json())


_Placed = tuple[int, Request]
"""A request and its place among all requests."""


def _at_places(requests: Iterable[Request], places: "array[int]") -> Iterator[_Placed]:
    """The requests at these places, which ascend."""
    wanted = iter(places)
    place = next(wanted, None)
    for at, request in enumerate(requests):
        if at == place:
            yield at, request
            place = next(wanted, None)
