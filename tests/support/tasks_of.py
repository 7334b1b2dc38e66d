"""Tasks from the text of a task file, without a file."""

import yaml

from dsbs.tasks.prompts import task_from
from dsbs.tasks.task import Task


def task_of(text: str, *, demonstrations: tuple[str, ...] = ()) -> Task:
    """The task of a YAML text, with a demonstration for each of these labels."""
    values = yaml.safe_load(text)
    first = values["demonstrations"][0]
    if demonstrations:
        values["demonstrations"] = [first | {"label": label} for label in demonstrations]
    return task_from(values, where="a test")
