"""Ask only for what the store lacks, and commit every answer before it is counted."""

import contextlib
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from dsbs.artifacts.answer_store import AnswerStore, Asked, Purpose
from dsbs.core.iteration import batched
from dsbs.core.progress import Progress, say
from dsbs.core.records import Completion, Example
from dsbs.labeling.budget import Spending
from dsbs.teachers.protocol import Prompt, Teacher

Request = tuple[int, Purpose, int, Example, Prompt]
"""Position of the example, what is asked for, sample, example, prompt."""

_LOOK_UP, _COMMIT_ROWS, _COMMIT_S, _TELL_S = 512, 512, 0.1, 1.0
"""Rows a look-up; a commit comes after so many answers or seconds, whichever is first; seconds between reports."""


class Labeller:
    """Serves the requests of one run from the store and from a teacher. `stopped` says why it asked no further, or ""."""

    def __init__(
        self,
        store: AnswerStore,
        teacher: Teacher,
        spending: Spending,
        *,
        run: str,
        task: str,
        progress_json: Path | None = None,
        is_bad: Callable[[Example, Completion], bool] | None = None,
    ) -> None:
        self._store, self._teacher, self._spending, self._run, self._task = (
            store,
            teacher,
            spending,
            run,
            task,
        )
        self._progress_json, self._is_bad = progress_json, is_bad
        self._in_flight: dict[str, Example] = {}
        self._told = 0.0
        self.stopped = ""

    def label(self, requests: Iterable[Request], progress: Progress) -> None:
        """Have every request answered. They are drawn lazily, and only what is in flight is kept in memory.

        What is asked is written into the store first, so that `AnswerStore.answers(run)` gives all of it in order.
        """
        with contextlib.closing(
            self._teacher.complete(self._missing(requests, progress))
        ) as answered:
            for done in _in_commits(answered):
                self._store.keep(self._teacher.name, done)
                asked = [(self._in_flight.pop(completion.id), completion) for completion in done]
                self._spending.add(
                    done, sum(self._is_bad(*pair) for pair in asked) if self._is_bad else 0
                )
                progress.add(len(done), self._spending.note())
                self._tell()
        self._tell(now=True)

    def _missing(self, requests: Iterable[Request], progress: Progress) -> Iterator[Prompt | None]:
        for batch in batched(requests, _LOOK_UP):
            asked = [
                Asked(at, purpose, sample, prompt.id, example)
                for at, purpose, sample, example, prompt in batch
            ]
            self._store.ask(self._run, self._task, asked)
            finished = self._store.finished([a.key for a in asked])
            for *_, example, prompt in batch:
                if prompt.id in finished or prompt.id in self._in_flight:
                    self._spending.reused += 1
                    progress.add()
                    continue
                while reason := self._spending.stop(len(self._in_flight), prompt):
                    if not self._in_flight:
                        self.stopped = reason
                        say(f"stopping: {reason}; the same command goes on from here")
                        return
                    yield None  # what is in flight may cost less than feared
                self._in_flight[prompt.id] = example
                yield prompt

    def _tell(self, *, now: bool = False) -> None:
        if self._progress_json is not None and (now or time.monotonic() - self._told >= _TELL_S):
            self._told = time.monotonic()
            self._spending.write(self._progress_json)


def _in_commits(completions: Iterable[Completion | None]) -> Iterator[list[Completion]]:
    """Completions in groups that are committed together; what arrived is handed on even when the teacher breaks off."""
    waiting: list[Completion] = []
    last = time.monotonic()
    try:
        for completion in completions:
            if completion is not None:
                waiting.append(completion)
            if waiting and (time.monotonic() - last >= _COMMIT_S or len(waiting) >= _COMMIT_ROWS):
                yield waiting
                waiting, last = [], time.monotonic()
    except (Exception, KeyboardInterrupt):
        if waiting:
            yield waiting
        raise
    if waiting:
        yield waiting
