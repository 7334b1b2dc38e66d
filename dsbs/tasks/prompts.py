"""Prompt files: found by name or path, read into a Task, and rendered into inputs and prompts."""

import functools
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from pydantic import ValidationError

from dsbs.core.errors import InputError, brief
from dsbs.core.files import find_file
from dsbs.core.records import Completion, Example
from dsbs.core.yaml_files import read_yaml
from dsbs.tasks.label_keys import LETTERS
from dsbs.tasks.labels import normalize
from dsbs.tasks.parsing import parse_answer
from dsbs.tasks.task import Task


class Demonstration(NamedTuple):
    """A few-shot example with its answer."""

    example: Example
    rationale: str
    label: str


class Labels(tuple[str, ...]):
    """The labels of a task for its templates. As text they are "a, b, c"."""

    def __str__(self) -> str:
        return ", ".join(self)


def load_task(name: str) -> Task:
    """The task of a prompt file: a packaged name, or a path.

    Every demonstration must parse back into its own rationale and label, so prompts test the parser
    and the parser tests the prompts.

    Raises:
        InputError: Something in the file is wrong. It names file and place.
    """
    path = find_file(name, "prompts")
    task = task_from(read_yaml(path, texts=True), where=str(path))
    _check_demonstrations(task, path)
    return task


def _check_demonstrations(task: Task, path: Path) -> None:
    try:
        system_message(task)
        render_zero_shot(task)
        render_hint(task, "")
        shown = demonstrations(task)
        answers = []
        for demonstration in shown:
            render_question(task, demonstration.example)
            answers.append(render_answer(task, *demonstration))
    except InputError as error:
        raise InputError(
            f"{path}: {error.where}", got=error.got, expected=error.expected, fix=error.fix
        ) from None
    for number, ((example, rationale, label), text) in enumerate(
        zip(shown, answers, strict=True), 1
    ):
        allowed = task.allowed(example.choices)
        if allowed and normalize(task.label.kind, label, allowed) is None:
            raise InputError(
                f"{path}: demonstration {number}",
                got=f"label {brief(label)}",
                expected=f"one of {brief(', '.join(allowed), 200)[1:-1]}",
                fix="name a label of the task, or add it to label.labels",
            )
        read = parse_answer(task, example, Completion(example.id, text))
        if (read.outcome, read.rationale, read.label) != ("ok", rationale, label):
            raise InputError(
                f"{path}: demonstration {number}",
                got=f"{read.outcome}, rationale {read.rationale!r}, label {read.label!r}",
                expected=f"its own rationale and label {label!r} back from its answer {text!r}",
                fix="make prompt.answer, answer.marker, answer.ends and the label agree",
            )


def task_from(mapping: Mapping[str, Any], where: str) -> Task:
    """A Task of the mapping in a prompt file or in a checkpoint's card.

    Raises:
        InputError: A key is wrong. It names the first one.
    """
    try:
        return Task.model_validate(mapping)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(map(str, first["loc"])) or "task"
        raise InputError(
            f"{where}: {place}",
            got=brief(first.get("input")),
            expected=first["msg"],
            fix="mend the prompt file",
        ) from None


def render_input(task: Task, fields: Mapping[str, Any], choices: Sequence[str] = ()) -> str:
    """What the student reads for a row with these fields."""
    values = {**_shared(task), **fields, "options": _options(choices)}
    return render_template(task.input, values, where="input")


def render_question(task: Task, example: Example) -> str:
    """How an example stands at the end of a prompt, its answer still open."""
    own = {"options": _options(example.choices), "input": example.input}
    values = {**_shared(task), **example.fields, **own}
    where = f"prompt.question for {example.id}"
    return render_template(task.prompt.question, values, where=where)


def render_answer(task: Task, example: Example, rationale: str, label: str) -> str:
    """How a demonstration's answer is written behind its question."""
    at = example.choices.index(label) if label in example.choices else None
    return render_stated(task, example, rationale, label, at)


def render_stated(task: Task, example: Example, rationale: str, label: str, at: int | None) -> str:
    """The same for the option in place `at`, where the example has options."""
    letter = "" if at is None or not example.choices else LETTERS[at]
    own = {"rationale": rationale, "label": label, "letter": letter}
    values = {**_shared(task), **example.fields, **own}
    return render_template(task.prompt.answer, values, where=f"prompt.answer for {example.id}")


def render_instruction(task: Task) -> str:
    """What stands once, before the demonstrations; "" for nothing."""
    where = "prompt.instruction"
    return render_template(task.prompt.instruction, _shared(task), where=where).strip()


def system_message(task: Task) -> str:
    """What stands before the demonstrations for a chat model; "" for nothing."""
    system = render_template(task.prompt.system, _shared(task), where="prompt.system").strip()
    return "\n\n".join(filter(None, [render_instruction(task), system]))


def render_zero_shot(task: Task) -> str:
    """The task's own text for prompts without demonstrations; "" where it has none."""
    where = "prompt.zero_shot"
    return render_template(task.prompt.zero_shot, _shared(task), where=where).strip()


def render_hint(task: Task, label: str) -> str:
    """What shows the gold label before a question."""
    values = {**_shared(task), "label": label}
    return render_template(task.prompt.hint, values, where="prompt.hint")


def demonstrations(task: Task) -> list[Demonstration]:
    """The few-shot examples of the task."""
    shown = []
    for number, given in enumerate(task.demonstrations, 1):
        choices = tuple(given.get("choices", ()))
        others = ("choices", "rationale", "label")
        fields = {name: value for name, value in given.items() if name not in others}
        example = Example(
            id=f"demonstration-{number}",
            split="train",
            fields=fields,
            input=render_input(task, fields, choices),
            choices=choices,
            gold=given["label"],
        )
        shown.append(Demonstration(example, given["rationale"].strip(), given["label"]))
    return shown


def prompt_prefix(task: Task) -> str:
    """The part of a prompt that is the same for every example.

    It is the same byte for byte, so a teacher's prefix cache holds it.
    """
    blocks = [
        render_question(task, shown.example) + render_answer(task, *shown)
        for shown in demonstrations(task)
    ]
    instruction = render_instruction(task)
    return task.prompt.separator.join([*filter(None, [instruction]), *blocks, ""])


def render_prompt(task: Task, example: Example, prefix: str) -> str:
    """The whole few-shot prompt: the task's `prompt_prefix` first, the example last."""
    return prefix + render_question(task, example)


def render_template(source: str, values: Mapping[str, Any], *, where: str) -> str:
    """A Jinja2 template, filled in within a sandbox and within bounds of time and size.

    Args:
        source: The template.
        values: The names that it may use.
        where: What it is, for an error.

    Raises:
        InputError: The template cannot be filled in with these values.
    """
    try:
        rendered: str = _template(source)(values)
    except Exception as error:
        from dsbs.tasks.templates import template_error

        raise template_error(error, source, where) from None
    return rendered


def _shared(task: Task) -> dict[str, Labels]:
    """What every template of a task may use. A field of the same name comes first."""
    return {"labels": Labels(task.label.labels)} if task.label.labels else {}


def _options(choices: Sequence[str]) -> list[tuple[str, str]]:
    """Each choice with its letter."""
    return list(zip(LETTERS, choices, strict=False))


@functools.lru_cache(maxsize=256)
def _template(source: str) -> Callable[[Mapping[str, Any]], Any]:
    from dsbs.tasks.templates import rendering  # not above: --help shall not wait for it

    template = _environment().from_string(source)
    # jinja copies the globals for every rendering, and its own kind of mapping slowly.
    template.globals = dict(template.globals)
    return rendering(template.render)


@functools.cache
def _environment() -> Any:
    from dsbs.tasks.templates import environment

    return environment()
