"""From an example to a request, and to the key under which its answer is kept."""

import hashlib
import json
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from dsbs.core.records import Example
from dsbs.tasks.label_keys import LETTERS
from dsbs.tasks.prompts import (
    demonstrations,
    prompt_prefix,
    render_answer,
    render_question,
    render_template,
)
from dsbs.tasks.task import Task
from dsbs.teachers.protocol import Message, Prompt, Teacher

_WHAT = {
    "choice": "the text of the right option, as it is written there",
    "class": "one of: {labels}",
    "equation": "the arithmetic expression whose value answers the question, such as "
    "( 12 + 3 ) * 2",
    "text": "the answer itself",
}
"""How a zero-shot prompt describes the label, by label kind."""

_canonical = json.JSONEncoder(sort_keys=True, ensure_ascii=False).encode


@dataclass(frozen=True)
class Style:
    """How examples are put to a teacher."""

    zero_shot: bool = False
    """Without demonstrations; the answer follows a JSON schema."""
    rationalize: bool = False
    """The gold label is shown where there is one, and only to be explained."""


class Asker:
    """Makes the requests of one task to one teacher.

    The demonstrations stand first and are the same in every request.
    """

    def __init__(self, task: Task, teacher: Teacher, style: Style) -> None:
        self._task = task
        self._teacher = teacher
        self._style = style
        self._drawn = teacher.sampling.as_request()
        self._shown = [] if style.zero_shot else demonstrations(task)
        self._prefix = "" if style.zero_shot else prompt_prefix(task)
        self._around: dict[int, tuple[Any, str]] = {}
        """By sample: the hash of a request up to its question, and the request's end."""

    @property
    def max_new_tokens(self) -> int:
        """Most tokens of an answer."""
        return self._teacher.sampling.max_new_tokens

    def show(self, example: Example) -> str:
        """The request for an answer as one text, for people."""
        return self.prompt(example).as_text()

    def before_question(self, example: Example) -> str:
        """The text of a request up to its question, which all requests share."""
        return self.show(example).removesuffix(self._question(example))

    def prompt(self, example: Example, sample: int = 0) -> Prompt:
        """The request for the answer to an example. Each sample is a request of its own."""
        if not self._style.zero_shot and not self._hinted(example):
            return self._plain(render_question(self._task, example), sample)
        schema = answer_schema(self._task, example) if self._style.zero_shot else None
        text = "" if self._teacher.chat else self._text(example)
        messages = self._messages(example) if self._teacher.chat else ()
        key = self._key(self._request(text, messages, schema, sample))
        return Prompt(key, text, messages, schema)

    def score_prompt(self, example: Example, rationale: str) -> Prompt:
        """The request for the likelihood of each allowed label after the example and a rationale.

        Without a rationale ("") the labels follow the question at once.
        """
        text = self._text(example)
        labels = [
            (label, self._stated(example, rationale, at, label))
            for at, label in self._allowed(example)
        ]
        return Prompt(self._key({"text": text, "labels": labels}), text, labels=tuple(labels))

    def _plain(self, question: str, sample: int) -> Prompt:
        """The demonstrations and a question.

        The key is that of `_key`, but only the question is written and hashed anew.
        """
        if sample not in self._around:
            mark = uuid.uuid4().hex
            request = self._request(*self._before(mark), None, sample)
            start, end = _canonical([self._teacher.identity, request]).split(mark)
            self._around[sample] = (hashlib.sha256(start.encode()), end)
        begun, end = self._around[sample]
        digest = begun.copy()
        digest.update((_canonical(question)[1:-1] + end).encode())
        return Prompt(digest.hexdigest(), *self._before(question))

    def _before(self, question: str) -> tuple[str, tuple[Message, ...]]:
        """Text or messages that end in a question."""
        if self._teacher.chat:
            return "", (*self._plain_turns, {"role": "user", "content": question})
        return self._prefix + question, ()

    def _request(
        self,
        text: str,
        messages: tuple[Message, ...],
        schema: Mapping[str, Any] | None,
        sample: int,
    ) -> dict[str, Any]:
        return {
            "text": text,
            "messages": messages,
            "schema": schema,
            "sample": sample,
            **self._drawn,
        }

    def _allowed(self, example: Example) -> list[tuple[int, str]]:
        return list(enumerate(self._task.allowed(example.choices)))

    def _stated(self, example: Example, rationale: str, at: int, label: str) -> str:
        letter = LETTERS[at] if example.choices else ""
        values = {**example.fields, "rationale": rationale, "label": label, "letter": letter}
        where = f"prompt.answer for {example.id}"
        said = render_template(self._task.prompt.answer, values, where=where)
        return said if rationale else " " + said.strip()

    def _key(self, request: Mapping[str, Any]) -> str:
        """The hash of everything that changes the text.

        The server's address, the engine and how answers are parsed do not.
        """
        return hashlib.sha256(_canonical([self._teacher.identity, request]).encode()).hexdigest()

    def _text(self, example: Example) -> str:
        if self._style.zero_shot:
            return f"{zero_shot_instruction(self._task)}\n\n{self._question(example)}"
        if not self._hinted(example):
            return self._prefix + render_question(self._task, example)
        blocks = [self._question(e) + render_answer(self._task, e, r, y) for e, r, y in self._shown]
        parts = [
            *filter(None, [self._task.prompt.instruction.strip()]),
            *blocks,
            self._question(example),
        ]
        return self._task.prompt.separator.join(parts)

    def _messages(self, example: Example) -> tuple[Message, ...]:
        """The instruction as system text, each demonstration as a turn, the example last."""
        shown = self._turns(hinted=True) if self._hinted(example) else self._plain_turns
        return (*shown, {"role": "user", "content": self._question(example)})

    @cached_property
    def _plain_turns(self) -> list[Message]:
        return self._turns(hinted=False)

    def _turns(self, *, hinted: bool) -> list[Message]:
        instruction = (
            zero_shot_instruction(self._task)
            if self._style.zero_shot
            else self._task.prompt.instruction.strip()
        )
        turns: list[Message] = [{"role": "system", "content": instruction}] if instruction else []
        for shown, rationale, label in self._shown:
            question = self._question(shown) if hinted else render_question(self._task, shown)
            turns.append({"role": "user", "content": question})
            turns.append(
                {
                    "role": "assistant",
                    "content": render_answer(self._task, shown, rationale, label).strip(),
                }
            )
        return turns

    def _hinted(self, example: Example) -> bool:
        return self._style.rationalize and example.gold is not None

    def _question(self, example: Example) -> str:
        hint = (
            render_template(self._task.prompt.hint, {"label": example.gold}, where="prompt.hint")
            if self._hinted(example)
            else ""
        )
        return hint + render_question(self._task, example)


def zero_shot_instruction(task: Task) -> str:
    """The start of a prompt without demonstrations: the task's text, or one for its label kind."""
    if task.prompt.zero_shot:
        return task.prompt.zero_shot.strip()
    what = _WHAT[task.label.kind].format(labels=", ".join(task.label.labels))
    first = f"{task.prompt.instruction.strip()} " if task.prompt.instruction.strip() else ""
    return (
        f'{first}Answer with one JSON object: {{"rationale": "...", "label": "..."}}. '
        f"The rationale explains the answer in one or two sentences. The label is {what}."
    )


def answer_schema(task: Task, example: Example) -> dict[str, Any]:
    """The JSON schema of a zero-shot answer: first the rationale, then an allowed label."""
    allowed = list(dict.fromkeys(task.allowed(example.choices)))
    label: dict[str, Any] = {"type": "string", "enum": allowed} if allowed else {"type": "string"}
    return {
        "type": "object",
        "properties": {"rationale": {"type": "string"}, "label": label},
        "required": ["rationale", "label"],
        "additionalProperties": False,
    }
