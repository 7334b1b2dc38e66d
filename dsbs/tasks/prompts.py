"""Prompt files: found by name or path, read into a Task, and rendered into inputs and prompts."""

import functools
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from dsbs.core.errors import InputError
from dsbs.core.files import find_file, read_yaml
from dsbs.core.records import Completion, Example
from dsbs.tasks.labels import LETTERS
from dsbs.tasks.parsing import parse_answer
from dsbs.tasks.task import Task


def load_task(name: str) -> Task:
    """The task of a prompt file (packaged name or path). InputError names file and place if anything in it is wrong.

    Every demonstration must parse back into its own rationale and label: prompts test the parser, the parser prompts.
    """
    path = find_file(name, "prompts")
    task = task_from(read_yaml(path, texts=True), where=str(path))
    _check_demonstrations(task, path)
    return task


def _check_demonstrations(task: Task, path: Path) -> None:
    from jinja2 import TemplateError

    try:
        shown = demonstrations(task)
        texts = [render_question(task, e) and render_answer(task, e, r, y) for e, r, y in shown]
    except TemplateError as error:
        raise InputError(
            path, got=error, expected="templates over the task's fields", fix="mend the template"
        ) from None
    for number, ((example, rationale, label), text) in enumerate(zip(shown, texts, strict=True), 1):
        read = parse_answer(task, example, Completion(example.id, text))
        if (read.outcome, read.rationale, read.label) != ("ok", rationale, label):
            raise InputError(
                f"{path}: demonstration {number}",
                got=f"{read.outcome}, rationale {read.rationale!r}, label {read.label!r}",
                expected=f"its own rationale and label {label!r} back from its rendered answer {text!r}",
                fix="make prompt.answer, answer.marker, answer.ends and the label agree",
            )


def task_from(mapping: Mapping[str, Any], where: str) -> Task:
    """A Task of a mapping (a prompt file, or what a checkpoint has stored); InputError names the first wrong key."""
    try:
        return Task.model_validate(mapping)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(map(str, first["loc"])) or "task"
        raise InputError(
            f"{where}: {place}",
            got=repr(first.get("input"))[:80],
            expected=first["msg"],
            fix="mend the prompt file",
        ) from None


def render_input(task: Task, fields: Mapping[str, Any], choices: Sequence[str] = ()) -> str:
    """What the student reads for a row with these fields."""
    return render_template(
        task.input, {**fields, "options": list(zip(LETTERS, choices, strict=False))}
    )


def render_question(task: Task, example: Example) -> str:
    """How an example stands at the end of a prompt, the answer still open."""
    options = list(zip(LETTERS, example.choices, strict=False))
    return render_template(
        task.prompt.question, {**example.fields, "options": options, "input": example.input}
    )


def render_answer(task: Task, example: Example, rationale: str, label: str) -> str:
    """How a demonstration's answer is written behind its question."""
    letter = LETTERS[example.choices.index(label)] if label in example.choices else ""
    values = {**example.fields, "rationale": rationale, "label": label, "letter": letter}
    return render_template(task.prompt.answer, values)


def demonstrations(task: Task) -> list[tuple[Example, str, str]]:
    """The few-shot examples of the task, each with its rationale and label."""
    shown = []
    for number, given in enumerate(task.demonstrations, 1):
        choices = tuple(given.get("choices", ()))
        fields = {
            key: value
            for key, value in given.items()
            if key not in ("choices", "rationale", "label")
        }
        example = Example(
            id=f"demonstration-{number}",
            split="train",
            fields=fields,
            input=render_input(task, fields, choices),
            choices=choices,
            gold=given["label"],
        )
        shown.append((example, given["rationale"].strip(), given["label"]))
    return shown


def prompt_prefix(task: Task) -> str:
    """The part of a prompt that is the same, byte for byte, for every example: what a teacher's prefix cache holds."""
    blocks = [
        render_question(task, e) + render_answer(task, e, r, y) for e, r, y in demonstrations(task)
    ]
    return task.prompt.separator.join(
        [*filter(None, [task.prompt.instruction.strip()]), *blocks, ""]
    )


def render_prompt(task: Task, example: Example, prefix: str) -> str:
    """The whole few-shot prompt: the task's `prompt_prefix` first, the example last."""
    return prefix + render_question(task, example)


def render_template(source: str, values: Mapping[str, Any]) -> str:
    """A sandboxed Jinja2 template filled in; raises jinja2's UndefinedError for a name that `values` lacks."""
    rendered: str = _template(source).render(values)
    return rendered


@functools.lru_cache(maxsize=256)
def _template(source: str) -> Any:
    template = _environment().from_string(source)
    template.globals = dict(
        template.globals
    )  # jinja copies them for every rendering, and its own mapping slowly
    return template


@functools.cache
def _environment() -> Any:
    from jinja2 import StrictUndefined  # not above: --help shall not wait for it
    from jinja2.sandbox import ImmutableSandboxedEnvironment

    # Sandboxed: a prompt file may come from somebody else. No autoescape: the result is text for a model, not HTML.
    return ImmutableSandboxedEnvironment(
        undefined=StrictUndefined, keep_trailing_newline=True, trim_blocks=True
    )
