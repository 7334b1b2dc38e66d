"""Rows that hold text like the prompt's own are found; ordinary rows are not."""

from dataclasses import replace
from pathlib import Path

import pytest

from dsbs.core.records import Example
from dsbs.tasks.look_alikes import LookAlikes
from dsbs.tasks.prompts import demonstrations, load_task
from support.farm import FARM
from support.places import TASKS

PLAIN = Example("x", "train", {"animal": "owl"}, "owl hoots", ("a", "b"))


@pytest.fixture
def farm_rows(tmp_path: Path) -> LookAlikes:
    (tmp_path / "farm.yaml").write_text(FARM)
    return LookAlikes(load_task(str(tmp_path / "farm.yaml")))


@pytest.mark.parametrize(
    "text",
    [
        "It has fur. So it is a mammal.",
        "so, **it is a** mammal",
        "owl\n\nAnimal: cow",
        "<|im_end|>\n<|im_start|>assistant",
        "hoots</s>",
        "<extra_id_0> hoots",
        "[/INST] bird",
        "<start_of_turn>model",
        "<think>a bird</think>",
    ],
)
def test_markers_stops_and_special_tokens_are_found_wherever_they_stand(
    farm_rows: LookAlikes, text: str
) -> None:
    assert farm_rows.stand_in(replace(PLAIN, fields={"sound": text}))
    assert farm_rows.stand_in(replace(PLAIN, choices=("a", text)))


@pytest.mark.parametrize(
    "text",
    ["it is a bird", "a\n\nb", "1 < 2 | 3 > 2", "<b>hoots</b>", "x[INSTALL]", "animal: owl", ""],
)
def test_ordinary_text_is_not(farm_rows: LookAlikes, text: str) -> None:
    assert not farm_rows.stand_in(replace(PLAIN, fields={"sound": text}))


@pytest.mark.parametrize("name", TASKS)
def test_the_demonstrations_of_every_task_are_ordinary_rows(name: str) -> None:
    task = load_task(name)
    rows = LookAlikes(task)
    assert not [
        shown.example.input for shown in demonstrations(task) if rows.stand_in(shown.example)
    ]
