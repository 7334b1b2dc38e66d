"""Tasks and rows for baselines, made by hand."""

from dsbs.core.records import Example
from dsbs.tasks.task import Task


def label_task(kind: str, text: str = "{{ text }}", fields: tuple[str, ...] = ("text",)) -> Task:
    """A task with labels of this kind; those of classes are yes and no."""
    options = {"choices": ["yes", "no"]} if kind == "choice" else {}
    columns = {"choices": "choices"} if kind == "choice" else {}
    return Task.model_validate(
        {
            "name": "made",
            "version": 1,
            "label": {"kind": kind, **({"labels": ["yes", "no"]} if kind == "class" else {})},
            "input": text,
            "prompt": {"question": "{{ input }}", "answer": "{{ rationale }} It is {{ label }}."},
            "answer": {"marker": "It is"},
            "demonstrations": [
                {**dict.fromkeys(fields, "x"), "rationale": "r.", "label": "yes", **options}
            ],
            "columns": {"fields": {name: name for name in fields}, "gold": "gold", **columns},
        }
    )


def row(text: str, *choices: str) -> Example:
    """A row with this input and these options."""
    return Example(id=text, split="train", fields={"text": text}, input=text, choices=choices)
