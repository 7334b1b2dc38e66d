"""Labels that a teacher is to give and that its prompts never name."""

import re

from dsbs.core.records import Example
from dsbs.labeling.requests import Asker
from dsbs.tasks.label_keys import fold
from dsbs.tasks.task import Task

_SHOWN = 3


def unnamed_labels(task: Task, asker: Asker, example: Example) -> list[str]:
    """The labels of the task that stand nowhere in its prompts.

    Of kind `class`, what all prompts share is looked at: instruction, system message,
    demonstrations and the template of the question. Of kind `choice`, the prompt of this example
    must have its options. The other kinds have no set of labels.
    """
    allowed = dict.fromkeys(task.allowed(example.choices))
    if task.label.kind == "choice":
        text = asker.show(example)
    elif "labels" not in example.fields and _writes_labels(task.prompt.question):
        return []
    else:
        text = f"{asker.before_question(example)}\n{task.prompt.question}"
    folded = fold(text)
    return [label for label in allowed if not _stands_in(fold(label), folded)]


def unnamed_in_words(task: Task, unnamed: list[str], allowed: int) -> str:
    """One line for people, or "" where every label is named."""
    if not unnamed:
        return ""
    some = ", ".join(unnamed[:_SHOWN]) + (", ..." if len(unnamed) > _SHOWN else "")
    where = "{{ labels }} in prompt.instruction writes them all"
    if task.label.kind == "choice":
        where = "go through `options` in prompt.question"
    return (
        f"the prompt names {allowed - len(unnamed)} of {allowed} labels, so the teacher is not "
        f"given {some}: {where}"
    )


def _writes_labels(template: str) -> bool:
    return bool(re.search(r"\{[{%][^{}]*\blabels\b", template))


def _stands_in(label: str, text: str) -> bool:
    return label in text and bool(re.search(rf"(?<!\w){re.escape(label)}(?!\w)", text))
