"""The teacher behind the server: asked through the answer store, so that nothing is paid twice.

One thread owns the store and the connection. A call waits only so long; the answer that comes later
is kept, and the same call asked again gets it.
"""

import asyncio
import contextlib
import queue
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from dsbs.artifacts.answer_store import AnswerStore
from dsbs.core.errors import InputError
from dsbs.core.records import Answer, Completion, Example, Tokens
from dsbs.labeling.requests import Asker, Style
from dsbs.serving.served_answers import ServedAnswers
from dsbs.tasks.parsing import parse_answer
from dsbs.tasks.task import Task
from dsbs.teachers.empty_answers import EmptyAskedAgain
from dsbs.teachers.protocol import WAIT, Idle, Prompt, SettingRefused, Teacher, Wait

_DOWN_S = 1.0
"""Seconds after a failed connection in which nobody waits for the teacher."""
_FIRST_S = 10.0
"""Most seconds that a server waits for its teacher before it answers the first call."""
_POLL_S = 0.05
_FAILURES = 3
"""Failed answers in a row after which the teacher counts as down."""

OpenTeacher = Callable[[], AbstractContextManager[Teacher]]


class NoAnswer(Exception):
    """The teacher gave no usable answer in time."""


class Unusable(NoAnswer):
    """The teacher answered, and its answer has no label that counts."""


class Given(NamedTuple):
    """An answer, and what the teacher read and wrote for it."""

    answer: Answer
    tokens: Tokens | None
    """None where its server did not count them."""


@dataclass
class _Question:
    """One row that waits for the teacher."""

    example: Example
    loop: asyncio.AbstractEventLoop
    answered: "asyncio.Future[Given]"

    def answer(self, task: Task, completion: Completion) -> None:
        read, written = completion.prompt_tokens, completion.completion_tokens
        tokens = None if read is None or written is None else Tokens(read, written)
        given = Given(parse_answer(task, self.example, completion), tokens)
        self.loop.call_soon_threadsafe(_set, self.answered, given)

    def fail(self, reason: str) -> None:
        self.loop.call_soon_threadsafe(_fail, self.answered, NoAnswer(reason))


class TeacherDesk:
    """Takes rows, gives answers. Every answer is in the store before anybody gets it."""

    def __init__(
        self, opened: OpenTeacher, task: Task, style: Style, *, store: Path, run: Path
    ) -> None:
        self._open = opened
        self._task = task
        self._style = style
        self._store_path = store
        self._run = run
        self._questions: queue.SimpleQueue[_Question] = queue.SimpleQueue()
        self._waiting: dict[str, list[_Question]] = {}
        """By key: those whose answer is being asked for."""
        self._there = threading.Event()
        self._tried = threading.Event()
        """Whether somebody has tried to reach the teacher."""
        self._closing = False
        self._down_until = 0.0
        self._failures = 0
        self._thread = threading.Thread(target=self._work, name="teacher", daemon=True)
        self.reused = 0
        """Answers that the store had already."""
        self.asked = 0
        """Answers that were asked for."""
        self.failed = 0
        self.problem = ""
        """Why the teacher is down; "" where it is not."""

    def start(self) -> None:
        """Open the store, so that a bad one is found at once, and try to reach the teacher."""
        AnswerStore(self._store_path).__exit__()
        self._thread.start()
        self._tried.wait(_FIRST_S)

    async def ask(self, example: Example, seconds: float) -> Given:
        """The teacher's answer with a usable label.

        Raises:
            NoAnswer: There is none within so many seconds, or the teacher is down.
            Unusable: There is one without such a label.
        """
        loop = asyncio.get_running_loop()
        answered: asyncio.Future[Given] = loop.create_future()
        self._questions.put(_Question(example, loop, answered))
        self._there.set()
        try:
            given = await asyncio.wait_for(answered, seconds)
        except TimeoutError:
            raise NoAnswer(f"no answer within {seconds:g} s") from None
        if not given.answer.label_usable:
            raise Unusable(f"the teacher's answer has no usable label ({given.answer.outcome})")
        return given

    def close(self) -> None:
        """Stop asking. What is in flight is given up."""
        self._closing = True
        self._there.set()
        if self._thread.is_alive():
            self._thread.join(timeout=5)

    @property
    def is_down(self) -> bool:
        """Whether nobody should wait for the teacher now."""
        return time.monotonic() < self._down_until

    def _work(self) -> None:
        with AnswerStore(self._store_path) as store:
            desk = ServedAnswers(store, self._run, self._task)
            while not self._closing:
                try:
                    with self._open() as teacher:
                        self._tried.set()
                        self._serve(teacher, desk)
                except (InputError, OSError) as error:
                    self._down(str(error))
                    self._refuse_until_up(desk)

    def _serve(self, teacher: Teacher, desk: ServedAnswers) -> None:
        """Answer questions until the server closes."""
        while not self._closing:
            asker = Asker(self._task, teacher, self._style)
            try:
                source = EmptyAskedAgain(teacher)
                with contextlib.closing(source.complete(self._prompts(asker, desk))) as answers:
                    for completion in answers:
                        if isinstance(completion, Idle):
                            self._rest()
                        else:
                            self._hand_out(desk.keep(teacher.name, completion))
                    return
            except SettingRefused:
                desk.store.release()
                self._again()

    def _prompts(self, asker: Asker, desk: ServedAnswers) -> Iterator[Prompt | Wait]:
        while not self._closing:
            try:
                question = self._questions.get_nowait()
            except queue.Empty:
                self._there.clear()
                yield WAIT
                continue
            if self.is_down:
                question.fail(self.problem)
                continue
            prompt = asker.prompt(question.example)
            yield from self._ask(question, prompt, desk)

    def _ask(self, question: _Question, prompt: Prompt, desk: ServedAnswers) -> Iterator[Prompt]:
        """The prompt, unless its answer is there or on its way."""
        key = prompt.id
        if key in self._waiting:
            self._waiting[key].append(question)
            return
        kept = desk.find(key, question.example)
        if kept is not None:
            self.reused += 1
            question.answer(self._task, kept)
            return
        self._waiting[key] = [question]
        self.asked += 1
        yield prompt

    def _hand_out(self, completion: Completion) -> None:
        for question in self._waiting.pop(completion.id, ()):
            if completion.error is None:
                question.answer(self._task, completion)
            else:
                question.fail(completion.error)
        if completion.error is None:
            self._failures = 0
            self._down_until = 0.0
            self.problem = ""
            return
        self.failed += 1
        self._failures += 1
        if self._failures >= _FAILURES:
            self._down(completion.error)

    def _rest(self) -> None:
        """Wait for a question where nothing is in flight."""
        if not self._waiting:
            self._there.wait(_POLL_S)

    def _again(self) -> None:
        for questions in self._waiting.values():
            for question in questions:
                self._questions.put(question)
        self._waiting.clear()

    def _down(self, reason: str) -> None:
        self._tried.set()
        self.problem = reason
        self._down_until = time.monotonic() + _DOWN_S
        for questions in self._waiting.values():
            for question in questions:
                question.fail(reason)
        self._waiting.clear()

    def _refuse_until_up(self, desk: ServedAnswers) -> None:
        """Refuse what comes until it is time to try again."""
        while not self._closing and self.is_down:
            with contextlib.suppress(queue.Empty):
                self._questions.get(timeout=_POLL_S).fail(self.problem)


def _set(future: "asyncio.Future[Given]", given: Given) -> None:
    if not future.done():
        future.set_result(given)


def _fail(future: "asyncio.Future[Given]", error: Exception) -> None:
    if not future.done():
        future.set_exception(error)
