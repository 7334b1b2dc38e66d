"""Flags as resolved values."""

from typing import Any

import pytest

from dsbs.config.recipe import Training
from dsbs.config.resolve import training_of
from dsbs.config.train import TrainConfig
from dsbs.core.errors import InputError
from dsbs.tasks.prompts import load_task


def resolved(task: str = "cqa", **flags: Any) -> Training:
    return training_of(TrainConfig(**flags), load_task(task))


def test_optimizers_have_their_own_learning_rate() -> None:
    assert resolved(optimizer="adafactor").optimization.learning_rate == 1e-3
    assert resolved(lora_rank=8).optimization.learning_rate == 5e-4
    given = resolved(optimizer="adafactor", learning_rate=2e-4, lora_rank=8)
    assert given.optimization.learning_rate == 2e-4
    assert resolved(student="google/t5-v1_1-base").optimization.learning_rate == 5e-5


def test_flags_stand_in_place_of_the_preset() -> None:
    preset = resolved(student="google/t5-v1_1-xxl/").optimization
    assert (preset.batch_size, preset.max_steps, preset.max_input_tokens) == (32, 4000, 1024)
    given = resolved(student="google/t5-v1_1-xxl", batch_size=8).optimization
    assert (given.batch_size, given.max_steps) == (8, 4000)


def test_where_no_student_is_named_the_task_names_one() -> None:
    assert resolved("quickstart").student == "quickstart"
    assert resolved("cqa").student == "tiny"
    assert resolved("quickstart", student="google/t5-v1_1-base").student == "google/t5-v1_1-base"


def test_rationale_tasks_have_shares_and_prefixes() -> None:
    named = {"answers": ["a", "b"], "rationale_tasks": ["rationale", "program=3"]}
    recipe = resolved(**named).recipe
    assert recipe.rationale_shares == {"rationale": 0.25, "program": 0.75}
    assert list(recipe.prefixes.items()) == [
        ("label", "[label] "),
        ("rationale", "[rationale] "),
        ("program", "[program] "),
    ]
    given = resolved(**named, prefixes=["a:", "b:", "c:"]).recipe
    assert given.prefixes["program"] == "c: "
    assert resolved().recipe.rationale_shares == {"rationale": 1.0}
    for wrong in (["label", "x"], ["x=1", "x=2"], ["x=0", "y"], ["x=a", "y"]):
        with pytest.raises(InputError, match="--rationale-tasks"):
            resolved(answers=["a", "b"], rationale_tasks=wrong)


def test_gold_may_choose_the_checkpoint_of_a_student_of_the_teacher() -> None:
    assert resolved(labels="teacher").validation.labels == "teacher"
    assert resolved(labels="teacher", select_by="gold").validation.labels == "gold"
