"""Which teacher answers where none is named."""

import pytest

pytest.importorskip("torch")

import importlib.util

from dsbs.core.errors import InputError
from dsbs.core.files import packaged
from dsbs.generate import STAGE as GENERATE
from dsbs.tasks.prompts import load_task
from dsbs.teachers.open import name_teacher


def settled(*flags: str) -> tuple[str, str | None]:
    config = GENERATE.parse(flags)
    found = name_teacher(config, load_task(config.task))
    return found.teacher, found.model


def test_without_flags_the_tasks_own_teacher_answers_through_what_is_installed() -> None:
    teacher, model = settled()
    assert model == str(packaged("quickstart/teacher"))
    assert teacher == ("vllm" if importlib.util.find_spec("vllm") else "transformers")
    assert settled("--teacher", "transformers") == ("transformers", model)
    assert settled("--model", "some/model") == (teacher, "some/model")


def test_without_a_model_answers_are_published_ones() -> None:
    assert settled("--task", "cqa") == ("published", None)
    assert settled("--answers-from", "answers.jsonl") == ("published", None)
    with pytest.raises(InputError, match="--model: got nothing; expected a model"):
        settled("--task", "cqa", "--teacher", "vllm")
