"""An empty text is no answer, unless its finish reason explains it. The same for every engine."""

import contextlib
from collections import deque
from collections.abc import Generator, Iterable, Iterator
from dataclasses import replace

from dsbs.core.records import Completion
from dsbs.teachers.finish_reasons import BROKEN_OFF, EXPLAINS_EMPTY
from dsbs.teachers.protocol import WAIT, Idle, Prompt, Teacher, Wait

_ATTEMPTS = 3
"""How often a prompt is sent whose answer is empty."""


class EmptyAskedAgain:
    """The answers of a teacher. A prompt whose answer is empty is asked twice more, then failed."""

    def __init__(self, teacher: Teacher) -> None:
        self.name = teacher.name
        self._teacher = teacher

    def complete(
        self, prompts: Iterable[Prompt | Wait]
    ) -> Generator[Completion | Idle, None, None]:
        """See `Teacher.complete`. The tokens of a prompt are those of all its attempts."""
        asked: dict[str, list[Completion]] = {}
        again: deque[Prompt] = deque()
        sent: dict[str, Prompt] = {}
        supply = _supply(prompts, again, sent)
        with contextlib.closing(self._teacher.complete(supply)) as answered:
            for answer in answered:
                if isinstance(answer, Idle):
                    yield answer
                    continue
                attempts = asked.setdefault(answer.id, [])
                attempts.append(answer)
                if why_no_answer(answer) and len(attempts) < _ATTEMPTS:
                    again.append(sent[answer.id])
                    continue
                del asked[answer.id]
                del sent[answer.id]
                yield _joined(attempts)


def why_no_answer(completion: Completion) -> str:
    """Why a reply holds no answer, or ""."""
    if completion.error is not None or completion.label_scores:
        return ""
    reason = completion.finish_reason
    if reason == BROKEN_OFF:
        return "the answer broke off"
    if completion.text.strip() or reason in EXPLAINS_EMPTY:
        return ""
    return f"the answer is empty (finish reason: {reason or 'none'})"


def _supply(
    prompts: Iterable[Prompt | Wait], again: deque[Prompt], sent: dict[str, Prompt]
) -> Iterator[Prompt | Wait]:
    """The prompts, and between and after them those to ask again."""
    for prompt in prompts:
        yield from _alone(again)
        if not isinstance(prompt, Wait):
            sent[prompt.id] = prompt
        yield prompt
    while sent:
        yield from _alone(again)
        yield WAIT


def _alone(prompts: deque[Prompt]) -> Iterator[Prompt | Wait]:
    """Each in a request of its own: some servers answer only the first prompt of a list."""
    while prompts:
        yield WAIT
        yield prompts.popleft()
        yield WAIT


def _joined(attempts: list[Completion]) -> Completion:
    """The last attempt, as failed if it holds no answer, with the tokens of all of them."""
    last = attempts[-1]
    if len(attempts) > 1:
        last = replace(
            last,
            prompt_tokens=_sum(one.prompt_tokens for one in attempts),
            completion_tokens=_sum(one.completion_tokens for one in attempts),
            cached_tokens=_sum(one.cached_tokens for one in attempts),
        )
    why = why_no_answer(last)
    return replace(last, text="", error=f"{why} ({len(attempts)} attempts)") if why else last


def _sum(counts: Iterable[int | None]) -> int | None:
    known = [count for count in counts if count is not None]
    return sum(known) if known else None
