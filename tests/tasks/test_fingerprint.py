"""By what an answer knows its row again."""

from dataclasses import replace
from typing import Any

import pytest

from dsbs.core.records import Example
from dsbs.tasks.fingerprint import input_hash
from dsbs.tasks.prompts import load_task, task_from
from dsbs.tasks.task import Task
from support.farm import Farm

DUCK = Example("1", "train", {"animal": "duck", "sound": "quacks", "note": "new"}, "duck quacks")


@pytest.fixture
def task(farm: Farm) -> Task:
    return load_task(str(farm.task))


@pytest.mark.parametrize(
    "other",
    [
        {"fields": {**DUCK.fields, "animal": "goose"}},
        {"fields": {**DUCK.fields, "sound": "Quacks"}},
        {"choices": ("bird", "mammal")},
    ],
)
def test_a_field_that_is_read_and_the_choices_make_another_input(
    task: Task, other: dict[str, Any]
) -> None:
    assert input_hash(task, replace(DUCK, **other)) != input_hash(task, DUCK)


@pytest.mark.parametrize(
    "other",
    [
        {"fields": {**DUCK.fields, "note": "old"}},
        {"fields": {"sound": "quacks", "animal": "duck"}},
        {"id": "2", "split": "test", "gold": "bird", "group": "pond"},
        {"input": "the duck quacks"},
    ],
)
def test_what_is_not_read_and_how_it_is_worded_do_not(task: Task, other: dict[str, Any]) -> None:
    assert input_hash(task, replace(DUCK, **other)) == input_hash(task, DUCK)


def test_templates_say_what_is_read(task: Task) -> None:
    prompt = task.prompt.model_copy(update={"question": "{% if note %}{{ input }}{% endif %}"})
    reads_note = task_from(task.model_copy(update={"prompt": prompt}).model_dump(), where="here")
    old = replace(DUCK, fields={**DUCK.fields, "note": "old"})
    assert input_hash(reads_note, old) != input_hash(reads_note, DUCK)
