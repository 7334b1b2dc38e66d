"""What a student's labels on validation say: the same on one process as on several."""

import json
from pathlib import Path
from typing import Any

import pytest

from dsbs import api
from dsbs.artifacts.student_card import BEST
from dsbs.core.records import Prediction
from dsbs.metrics.label_counts import LabelCounts
from dsbs.metrics.prediction_counts import PredictionCounts
from dsbs.student.checkpoint import load_student
from dsbs.training.validation import Validator
from support.farm import Farm
from support.trainings import data_of, validation_of

SETTINGS: dict[str, Any] = {"max_steps": 4, "eval_every": 2, "batch_size": 8}


@pytest.fixture(scope="module")
def trained(answered_farm: Farm, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A student of four steps, which has learned nothing."""
    out = tmp_path_factory.mktemp("trained") / "student"
    api.train(answers=answered_farm.folder / "answered", out=out, **SETTINGS)
    return out


@pytest.fixture(scope="module")
def validator(answered_farm: Farm, trained: Path) -> Validator:
    rows = validation_of(data_of(answers=answered_farm.folder / "answered"))
    return Validator(load_student(trained / BEST), rows, "gold")


def test_the_shares_of_several_processes_are_the_whole(validator: Validator) -> None:
    whole = validator.counts()
    parts = [
        Validator(validator.student, validator.rows, "gold", rank, 3).counts() for rank in range(3)
    ]
    assert [part.rows for part in parts] == [3, 3, 2]
    together = validator.total(parts)
    assert together == whole
    assert validator.notices(together) == validator.notices(whole)


def test_one_label_on_all_of_a_large_validation_is_told_and_so_is_chance(
    validator: Validator,
) -> None:
    many = Validator(validator.student, list(validator.rows) * 20, "gold")
    counts = PredictionCounts(LabelCounts("class"))
    for row in many.rows:
        said = Prediction("1", "mammal", "mammal", row.label, row.label == "mammal")
        counts.add(said, ("bird", "mammal"))
    signs = [(notice.sign, notice.who) for notice in many.notices(counts)]
    assert signs == [
        ("one_label", "the student, validation"),
        ("at_chance", "the student, validation"),
    ]


def test_a_training_tells_of_its_validation_and_of_its_best_checkpoint(
    answered_farm: Farm, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    answers = answered_farm.folder / "answered"
    results = api.train(answers=answers, out=tmp_path / "run", **SETTINGS)
    told = capsys.readouterr().err
    small, *others = results["notices"]
    assert small["sign"] == "small_validation"
    (state,) = (tmp_path / "run").rglob("trainer_state.json")
    history = json.loads(state.read_text())["log_history"]
    evaluated = [entry for entry in history if "eval_accuracy" in entry]
    assert [entry["step"] for entry in evaluated] == [2, 4]
    best = max(evaluated, key=lambda entry: entry["eval_accuracy"])
    assert others == best["notices"]  # those of the weights that are kept
    assert "notice: validation: 8 rows are too few to choose a checkpoint by" in told
    # The second half begins with step 2, where this student still writes nothing.
    assert [notice["sign"] for notice in evaluated[0]["notices"]] == ["empty", "unparsable"]
    assert "at step 2 of 4:\nnotice: the student, validation: " in told
    assert "at step 4" not in told
    assert api.train(answers=answers, out=tmp_path / "run", **SETTINGS) == results
    assert "notice: validation: 8 rows" in capsys.readouterr().err  # of a run that is done, too
