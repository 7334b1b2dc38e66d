"""A student that reads the teacher's rationale, in training and in use, and is marked for it."""

import json
from pathlib import Path

import pytest

from dsbs import api
from dsbs.core.errors import InputError
from dsbs.evaluate import STAGE as EVALUATE
from dsbs.train import STAGE as TRAIN
from support.farm import Farm
from support.trainings import data_of, rows_of

FAST = {"max_steps": 60, "batch_size": 16, "eval_every": 60, "max_target_tokens": 16}


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Farm:
    """A farm with a student of pinto. Its inputs do not tell the label: only rationales do."""
    farm = Farm(tmp_path_factory.mktemp("pinto"))
    farm.task.write_text(farm.task.read_text().replace("{{ animal }} {{ sound }}", "{{ sound }}"))
    farm.generate(splits=["train", "validation", "test"])
    api.train(answers=farm.folder / "answered", out=farm.folder / "student", method="pinto", **FAST)
    return farm


def test_its_training_pairs_hold_the_rationale_in_the_input(trained: Farm) -> None:
    data = data_of(answers=trained.folder / "answered")
    rows = rows_of(data, method="pinto")
    answers = data.answers
    for pair in rows.pairs:
        assert pair.input.endswith(f" times [rationale] {answers[pair.example_id].rationale}")
        assert [target.task for target in pair.targets] == ["label"]


def test_it_is_measured_with_the_teachers_rationales_and_marked(trained: Farm) -> None:
    run = trained.folder / "student"
    card = json.loads((run / "best" / "dsbs.json").read_text())
    assert card["needs_teacher"]
    manifest = json.loads((run / "manifest.json").read_text())
    assert manifest["results"]["needs_teacher"]
    found = api.evaluate(run=run)
    assert (found["accuracy"], found["without_rationale"]) == (1.0, 0)
    assert found["needs_teacher"]
    shown = EVALUATE.show(EVALUATE.run(EVALUATE.configure(run=run)))
    assert "needs the teacher in use" in str(shown)
    assert "needs the teacher in use" in str(TRAIN.show(_result(manifest)))


def _result(manifest: dict) -> object:
    from dsbs.artifacts.results.train import TrainResult

    return TrainResult.model_validate(manifest["results"])


def test_without_rationales_it_can_be_neither_measured_nor_used(
    trained: Farm, tmp_path: Path
) -> None:
    run = trained.folder / "student"
    (trained.folder / "answered").rename(trained.folder / "hidden")
    with pytest.raises(InputError, match="no rationale of a teacher"):
        api.evaluate(run=run, out=tmp_path / "e")
    (trained.folder / "hidden").rename(trained.folder / "answered")
    rows = tmp_path / "rows.jsonl"
    rows.write_text('{"animal": "ox", "sound": "says 1 times"}\n')
    with pytest.raises(InputError, match="no text in the column 'rationale'"):
        list(api.predict(run=run, input=str(rows)))
    because = {"a": "It has fur.", "b": "It has feathers."}
    lines = [{"id": i, "animal": "x", "sound": "?", "rationale": r} for i, r in because.items()]
    rows.write_text("\n".join(map(json.dumps, lines)))
    said = [(line["id"], line["label"]) for line in api.predict(run=run, input=str(rows))]
    assert said == [("a", "mammal"), ("b", "bird")]
    with pytest.raises(InputError, match="--explain"):
        list(api.predict(run=run, input=str(rows), explain=True))


def test_standard_learns_from_the_bare_input(answered_farm: Farm) -> None:
    """As the published code trains it. Methods with several tasks cannot do without prefixes."""
    from dsbs.training.prepare import prepare
    from support.trainings import settings_of

    data = data_of(answers=answered_farm.folder / "answered")
    prepared = prepare(settings_of(data, method="standard", prefixes="none"), data)
    (first, *_) = prepared.encoded.examples
    bare = prepared.tokenizer(prepared.rows.pairs[0].input).input_ids
    assert first[0].input_ids == bare
    with pytest.raises(InputError, match="only standard can do without"):
        api.train(method="step_by_step", prefixes="none")


def test_students_are_scored_by_the_published_rule_too() -> None:
    from dsbs.tasks.labels import correct_as_published

    assert correct_as_published("choice", "bank", "bank")
    assert not correct_as_published("choice", "Bank", "bank")
    assert not correct_as_published("choice", "(a) bank", "bank")
    assert correct_as_published("equation", "( 84.0 / 2 )", "42")
    assert not correct_as_published("equation", "84 / 2 = 42", "42")
