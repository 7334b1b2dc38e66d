"""The card of a checkpoint: what it needs to be read."""

import json
from pathlib import Path
from typing import Any

import pytest

from dsbs.artifacts.student_card import (
    CARD,
    LabelFacts,
    Place,
    StudentCard,
    TrainingFacts,
    checkpoint_of,
    read_card,
)
from dsbs.core.errors import InputError
from dsbs.metrics.label_counts import LabelCounts
from dsbs.tasks.prompts import load_task


@pytest.fixture
def checkpoint(tmp_path: Path) -> Path:
    """A folder with a card and nothing else."""
    card = StudentCard(
        task=load_task("cqa"),
        method="step_by_step",
        prefixes={"label": "[label] ", "rationale": "[rationale] "},
        max_input_tokens=64,
        max_target_tokens=32,
        max_label_tokens=8,
        training=TrainingFacts(
            student="tiny",
            method="step_by_step",
            labels="gold",
            data_frac=1.0,
            seed=0,
            selected_by="gold",
        ),
    )
    card.write(tmp_path)
    assert read_card(tmp_path) == card
    return tmp_path


def change(checkpoint: Path, **changes: Any) -> None:
    values = json.loads((checkpoint / CARD).read_text()) | changes
    kept = {name: value for name, value in values.items() if value is not None}
    (checkpoint / CARD).write_text(json.dumps(kept))


def test_an_option_that_a_card_lacks_has_its_default(checkpoint: Path) -> None:
    change(checkpoint, task_prefix=None, decode=None, data=None, answers=None, schema_version=None)
    card = read_card(checkpoint)
    assert (card.task_prefix, card.decode, card.data.split_seed) == ("encoder", "generate", 0)
    assert card.encoder_text("label", "x") == "[label] x"
    assert card.decoder_prompt("label") == ""


def test_an_option_of_a_later_version_is_passed_over_and_a_newer_card_refused(
    checkpoint: Path,
) -> None:
    before = read_card(checkpoint)
    change(checkpoint, colour="green")
    assert read_card(checkpoint) == before
    change(checkpoint, schema_version=2)
    with pytest.raises(InputError, match="got schema version 2; expected at most 1; update dsbs"):
        read_card(checkpoint)


@pytest.mark.parametrize("text", ["", "{", "[]", "null", '{"method": "standard"}'])
def test_a_broken_card_is_refused_in_one_line(checkpoint: Path, text: str) -> None:
    (checkpoint / CARD).write_text(text)
    with pytest.raises(InputError, match=r"dsbs\.json: got .*; expected the card of a student"):
        read_card(checkpoint)


def test_a_wrong_value_is_named(checkpoint: Path) -> None:
    change(checkpoint, method="magic")
    with pytest.raises(InputError, match=r"got method: Input should be 'standard'"):
        read_card(checkpoint)


def test_a_student_is_found_in_a_run_in_best_and_in_a_copy(
    checkpoint: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    run = tmp_path_factory.mktemp("run")
    (run / "best").mkdir()
    (run / "best" / CARD).write_text((checkpoint / CARD).read_text())
    assert checkpoint_of(run) == checkpoint_of(run / "best") == run / "best"
    assert checkpoint_of(checkpoint) == checkpoint
    with pytest.raises(InputError, match="got no student; expected a run of dsbs train"):
        checkpoint_of(run.parent)


def test_a_place_is_found_where_it_was_and_where_it_moved_with_the_checkpoint(
    tmp_path: Path,
) -> None:
    first = tmp_path / "first"
    (first / "run" / "best").mkdir(parents=True)
    (first / "rows.csv").write_text("x")
    place = Place.of(first / "rows.csv", first / "run" / "best")
    alone = tmp_path / "alone"
    alone.mkdir()
    assert place.find(alone) == first / "rows.csv"
    second = first.rename(tmp_path / "second")
    found = place.find(second / "run" / "best")
    assert found is not None
    assert found.samefile(second / "rows.csv")
    assert place.find(alone) is None


def test_a_card_keeps_the_commonest_labels_that_were_learned() -> None:
    learned = LabelCounts("equation")
    for at in range(30):
        learned.add("0.0" if at < 12 else str(at))
    facts = LabelFacts.of(learned)
    assert len(facts.commonest) == 10
    assert facts.counts("equation").share("0") == 0.4
    assert LabelFacts().counts("equation").commonest() is None
