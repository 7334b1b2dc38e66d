"""Rows and answers together."""

import json
from typing import Any

import pytest

from dsbs.core.errors import InputError
from dsbs.distillation.labeled_data import tokenizer_texts
from support.farm import Farm
from support.trainings import data_of


def test_the_tokenizer_sees_the_whole_training_part_and_nothing_of_test(
    answered_farm: Farm,
) -> None:
    data = data_of(answers=answered_farm.folder / "answered")
    texts = set(tokenizer_texts(data))
    assert all(example.input in texts for example in data.splits["train"])
    held_out = [e for split in ("validation", "test") for e in data.splits[split]]
    assert not any(example.input in texts for example in held_out)


def keep_answers(farm: Farm, count: int) -> None:
    """Let the teacher answer the first rows alone."""
    lines = farm.answers.read_text().splitlines(keepends=True)
    farm.answers.write_text("".join(lines[:count]))


def status_of(farm: Farm) -> str:
    manifest: dict[str, Any] = json.loads((farm.folder / "answered/manifest.json").read_text())
    return str(manifest["status"])


def test_a_run_with_failed_rows_is_read_and_its_missing_rows_are_counted(
    farm: Farm, capsys: pytest.CaptureFixture[str]
) -> None:
    keep_answers(farm, 50)
    farm.generate()
    assert status_of(farm) == "incomplete"
    data = data_of(answers=farm.folder / "answered")
    train = {example.id for example in data.splits["train"]}
    missing = sum(data.answers[i].outcome == "failed" for i in train)
    assert 0 < missing < 64
    said = capsys.readouterr().err
    assert f"answered is incomplete: {missing} of 64 rows have no answer" in said


def test_a_run_without_any_usable_answer_is_refused(farm: Farm) -> None:
    farm.answers.write_text(farm.answers.read_text().replace("So it is a", "Who knows a"))
    farm.generate()
    with pytest.raises(InputError, match="80 answers of a run that is done, none of them usable"):
        data_of(answers=farm.folder / "answered")
