"""Which rows of the data an answer of a file belongs to."""

import functools
import itertools
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from dsbs.core.errors import InputError
from dsbs.core.hashing import short_hash
from dsbs.core.records import Example
from dsbs.data.examples import content_hash, examples_of, input_alone
from dsbs.data.sources import hub_columns
from dsbs.data.spool import SpooledExamples
from dsbs.tasks.label_keys import fold
from dsbs.tasks.prompts import render_question
from dsbs.tasks.task import Task
from dsbs.teachers.found_answer import FoundAnswer

_LINES_BEHIND = 3
"""Lines that may stand behind the input in a request, such as "Answer:"."""
_MOST_LINES = 100
"""Lines at the end of a request in which its input is looked for."""


class AnswerIndex:
    """Finds the rows of the data that an answer belongs to."""

    def __init__(self, task: Task, splits: Iterable[SpooledExamples]) -> None:
        self._task = task
        self._splits = tuple(splits)
        self._ids = {example.id for rows in self._splits for example in rows}

    def ids_of(self, answer: FoundAnswer) -> list[str]:
        """The ids of the rows; none where the answer belongs to no row."""
        content = next(filter(None, map(self._content, answer.rows)), None)
        if content is not None:
            return self._by_content.get(content, [])
        if answer.id is not None and answer.id in self._ids:
            return [answer.id]
        blocks = _blocks(answer.request) if answer.request else ()
        texts = itertools.chain(answer.asked, blocks)
        return next((ids for text in texts if (ids := self._asked(text))), [])

    def _asked(self, text: str) -> list[str]:
        return self._by_input.get(short_hash(fold(text)), [])

    def _content(self, row: Mapping[str, Any]) -> str | None:
        """The hash of the content of a row that an export repeats; None where it lacks a column."""
        layouts = map(input_alone, (self._task.columns, *hub_columns(self._task)))
        try:
            return next(examples_of(self._task, "test", [("", row)], [*layouts])).content
        except InputError:
            return None

    @functools.cached_property
    def _by_content(self) -> dict[str, list[str]]:
        return self._grouped(content_hash)

    @functools.cached_property
    def _by_input(self) -> dict[str, list[str]]:
        """By the input as a student reads it, and as it stands in a prompt."""
        found = self._grouped(lambda example: short_hash(fold(example.input)))
        asked = self._grouped(
            lambda example: short_hash(fold(render_question(self._task, example)))
        )
        return asked | found

    def _grouped(self, key: Callable[[Example], str]) -> dict[str, list[str]]:
        found: dict[str, list[str]] = {}
        for example in itertools.chain.from_iterable(self._splits):
            found.setdefault(key(example), []).append(example.id)
        return found


def _blocks(text: str) -> Iterator[str]:
    """What may be the input in a request: blocks of its last lines, the longest first.

    An instruction or examples may come before it, a word and a colon in its first line too, and a
    few lines after it.
    """
    lines = text.splitlines()[-_MOST_LINES:]
    for end in range(len(lines), max(0, len(lines) - 1 - _LINES_BEHIND), -1):
        for start in range(end):
            block = "\n".join(lines[start:end])
            yield block
            _, colon, rest = block.partition(": ")
            if colon and "\n" not in block[: -len(rest)]:
                yield rest
