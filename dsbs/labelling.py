"""Ask only for what the store lacks, and commit every answer before it is counted."""

import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from dsbs.progress import Progress
from dsbs.records import Completion, Example
from dsbs.store import AnswerStore, Asked
from dsbs.streams import batched
from dsbs.teachers.protocol import Prompt, Teacher

_LOOK_UP, _COMMIT_ROWS, _COMMIT_S = 512, 256, 0.25
"""Rows a look-up; a commit comes after so many answers or seconds, whichever is first."""


@dataclass
class Labelled:
    """How the requests of a run were served."""

    reused: int = 0
    new: int = 0
    failed: int = 0


def answer_all(
    examples: Iterable[Example],
    teacher: Teacher,
    store: AnswerStore,
    *,
    run: str,
    task: str,
    prompt_of: Callable[[Example], Prompt],
    progress: Progress,
) -> Labelled:
    """Have every example answered: from the store where it has the answer, else by the teacher.

    Examples are drawn lazily and nothing is kept in memory but what is in flight. What the run asks is written into the
    store first, so that `AnswerStore.answers(run)` then gives all of it in order.
    """
    counts, in_flight = Labelled(), set[str]()

    def missing() -> Iterator[Prompt]:
        position = 0
        for batch in batched(examples, _LOOK_UP):
            prompts = [prompt_of(example) for example in batch]
            asked = [Asked(position + i, 0, p.id, e) for i, (p, e) in enumerate(zip(prompts, batch, strict=True))]
            position += len(batch)
            store.ask(run, task, asked)
            finished = store.finished([prompt.id for prompt in prompts])
            for prompt in prompts:
                if prompt.id in finished or prompt.id in in_flight:
                    counts.reused += 1
                    progress.add()
                else:
                    in_flight.add(prompt.id)
                    yield prompt

    store.forget_asked(run)
    for done in _in_commits(teacher.complete(missing())):
        store.keep(teacher.name, done)
        in_flight.difference_update(completion.id for completion in done)
        failed = sum(completion.error is not None for completion in done)
        counts.new += len(done) - failed
        counts.failed += failed
        progress.add(len(done), f"{counts.failed:,} failed" if counts.failed else "")
    return counts


def _in_commits(completions: Iterable[Completion]) -> Iterator[list[Completion]]:
    """Completions in groups that are committed together; what arrived is handed on even when the teacher breaks off."""
    waiting: list[Completion] = []
    last = time.monotonic()
    try:
        for completion in completions:
            waiting.append(completion)
            if len(waiting) >= _COMMIT_ROWS or time.monotonic() - last >= _COMMIT_S:
                yield waiting
                waiting, last = [], time.monotonic()
    finally:
        if waiting:
            yield waiting
