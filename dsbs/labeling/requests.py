"""From an example to a request, and to the key under which its answer is kept for ever."""

import hashlib
import json
import uuid
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import Any

from dsbs.core.records import Example
from dsbs.tasks.labels import LETTERS
from dsbs.tasks.prompts import (
    demonstrations,
    prompt_prefix,
    render_answer,
    render_question,
    render_template,
)
from dsbs.tasks.task import Task
from dsbs.teachers.protocol import Message, Prompt, Sampling, Teacher

_WHAT = {
    "choice": "the text of the right option, as it is written there",
    "class": "one of: {labels}",
    "equation": "the arithmetic expression whose value answers the question, such as ( 12 + 3 ) * 2",
    "text": "the answer itself",
}


_canonical = json.JSONEncoder(sort_keys=True, ensure_ascii=False).encode


@dataclass(frozen=True)
class Style:
    """How examples are put to a teacher. `rationalise`: the gold label is shown, and only to be explained."""

    zero_shot: bool = False
    rationalise: bool = False


class Asker:
    """Makes the requests of one task to one teacher. The demonstrations stand first and are the same in every request."""

    def __init__(self, task: Task, teacher: Teacher, sampling: Sampling, style: Style) -> None:
        self._task, self._teacher, self._style = task, teacher, style
        self._sampling = sampling.for_chat() if teacher.chat else sampling
        self._drawn = asdict(self._sampling)
        self._shown = [] if style.zero_shot else demonstrations(task)
        self._prefix = "" if style.zero_shot else prompt_prefix(task)
        self._around: dict[
            int, tuple[Any, str]
        ] = {}  # by sample: a plain request up to its question, hashed, and its end

    def prompt(self, example: Example, sample: int = 0) -> Prompt:
        """The request for the answer to an example; each sample of it is a request of its own."""
        if not self._style.zero_shot and not self._hinted(example):
            return self._plain(render_question(self._task, example), sample)
        schema = answer_schema(self._task, example) if self._style.zero_shot else None
        text, messages = (
            ("", self._messages(example)) if self._teacher.chat else (self._text(example), ())
        )
        return Prompt(
            self._key(self._request(text, messages, schema, sample)), text, messages, schema
        )

    def _plain(self, question: str, sample: int) -> Prompt:
        """The demonstrations and a question. Only the question is written and hashed anew: the key is that of `_key`."""
        if sample not in self._around:
            mark = uuid.uuid4().hex
            request = self._request(*self._before(mark), None, sample)
            start, end = _canonical([self._teacher.identity, request]).split(mark)
            self._around[sample] = hashlib.sha256(start.encode()), end
        digest, end = self._around[sample]
        digest = digest.copy()
        digest.update((_canonical(question)[1:-1] + end).encode())
        return Prompt(digest.hexdigest(), *self._before(question))

    def _before(self, question: str) -> tuple[str, tuple[Message, ...]]:
        """Text that ends in a question, or messages that do."""
        asked = {"role": "user", "content": question}
        return (
            ("", (*self._plain_turns, asked))
            if self._teacher.chat
            else (self._prefix + question, ())
        )

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

    def score_prompt(self, example: Example, rationale: str) -> Prompt:
        """The request for the likelihood of each allowed label behind the example and this rationale ("" for none)."""
        text = self._text(example)
        labels = [
            (label, self._stated(example, rationale, at, label))
            for at, label in self._allowed(example)
        ]
        return Prompt(self._key({"text": text, "labels": labels}), text, labels=tuple(labels))

    def _allowed(self, example: Example) -> list[tuple[int, str]]:
        return list(enumerate(self._task.allowed(example.choices)))

    def _stated(self, example: Example, rationale: str, at: int, label: str) -> str:
        letter = LETTERS[at] if example.choices else ""
        values = {**example.fields, "rationale": rationale, "label": label, "letter": letter}
        said = render_template(self._task.prompt.answer, values)
        return said if rationale else " " + said.strip()

    def _key(self, request: Mapping[str, Any]) -> str:
        """Hash of everything that changes the text; not of the address, the engine, or how answers are parsed."""
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
        """System text where the task has any, each demonstration as a turn of its own, the example last."""
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
        return self._style.rationalise and example.gold is not None

    def _question(self, example: Example) -> str:
        hint = (
            render_template(self._task.prompt.hint, {"label": example.gold})
            if self._hinted(example)
            else ""
        )
        return hint + render_question(self._task, example)


def zero_shot_instruction(task: Task) -> str:
    """What a prompt without demonstrations says: the task's own text, or one for its label kind."""
    if task.prompt.zero_shot:
        return task.prompt.zero_shot.strip()
    what = _WHAT[task.label.kind].format(labels=", ".join(task.label.labels))
    first = f"{task.prompt.instruction.strip()} " if task.prompt.instruction.strip() else ""
    return (
        f'{first}Answer with one JSON object: {{"rationale": "...", "label": "..."}}. The rationale explains the answer in one '
        f"or two sentences. The label is {what}."
    )


def answer_schema(task: Task, example: Example) -> dict[str, Any]:
    """The JSON schema of a zero-shot answer: rationale first, then one of the allowed labels."""
    allowed = list(dict.fromkeys(task.allowed(example.choices)))
    label: dict[str, Any] = {"type": "string", "enum": allowed} if allowed else {"type": "string"}
    return {
        "type": "object",
        "properties": {"rationale": {"type": "string"}, "label": label},
        "required": ["rationale", "label"],
        "additionalProperties": False,
    }
