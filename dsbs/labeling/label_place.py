"""Where an answer states its label, and how each label would stand there."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple

from dsbs.core.records import Answer, Completion, Example
from dsbs.tasks.label_keys import LETTERS
from dsbs.tasks.labels import meaning
from dsbs.tasks.parsing import parse_answer
from dsbs.tasks.prompts import render_stated
from dsbs.tasks.task import Task
from dsbs.teachers.label_scoring import shared_beginning

_MOST_PLACES = 20
"""Places that are tried for each way of writing, from the end of the answer."""


class LabelPlace(NamedTuple):
    """Where the label stands in the text of an answer."""

    start: int
    """The character at which it begins."""
    forms: Mapping[str, str]
    """Each allowed label as it would be written there."""


def find_place(
    task: Task, example: Example, completion: Completion, answer: Answer
) -> LabelPlace | None:
    """The place at which another label would have been read, had it stood there.

    So it is found whatever surrounds the label: a marker, a letter, markup, JSON. None where there
    is no such place, and where fewer than two labels are allowed.
    """
    allowed = list(dict.fromkeys(task.allowed(example.choices)))
    kind = task.label.kind
    own = next((y for y in allowed if meaning(kind, y) == meaning(kind, answer.label or "")), None)
    if own is None or len(allowed) < 2:
        return None
    other = next(label for label in allowed if label != own)
    for forms in _writings(task, example, allowed):
        for start in _occurrences(completion.text, forms[own]):
            end = start + len(forms[own])
            changed = f"{completion.text[:start]}{forms[other]}{completion.text[end:]}"
            read = parse_answer(task, example, replace(completion, text=changed))
            if read.label_usable and meaning(kind, read.label or "") == meaning(kind, other):
                return LabelPlace(start, forms)
    return None


def _writings(task: Task, example: Example, allowed: Sequence[str]) -> Iterator[Mapping[str, str]]:
    """How labels may be written: as the demonstrations do, alone, and by their letter alone."""
    at = {label: place for place, label in reversed([*enumerate(task.allowed(example.choices))])}
    stated = [render_stated(task, example, "", label, at[label]).strip() for label in allowed]
    before = _whole_words(shared_beginning(stated))
    after = _whole_words(shared_beginning([text[::-1] for text in stated]))
    cut = [text[len(before) : len(text) - len(after)] for text in stated]
    if all(label in text for label, text in zip(allowed, cut, strict=True)):
        yield dict(zip(allowed, cut, strict=True))
    yield {label: label for label in allowed}
    if example.choices and len(allowed) <= len(LETTERS):
        yield {label: LETTERS[at[label]] for label in allowed}


def _whole_words(text: str) -> str:
    """The text without a word that it may break off in."""
    return re.sub(r"\w+\Z", "", text)


def _occurrences(text: str, form: str) -> list[int]:
    """Where a form stands as words of its own, in whatever case, from the end."""
    pattern = rf"(?<!\w){re.escape(form)}(?!\w)"
    found = [match.start() for match in re.finditer(pattern, text, re.IGNORECASE)]
    return found[::-1][:_MOST_PLACES]
