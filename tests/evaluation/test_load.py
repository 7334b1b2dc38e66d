"""What evaluating and predicting need: the checkpoint's folder, and the data."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from dsbs import api
from dsbs.core.errors import InputError
from support.farm import Farm

FACTS = ("n", "correct", "accuracy", "student", "method", "labels", "data_frac", "seed")


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Farm:
    """A farm with a student of two steps."""
    folder = tmp_path_factory.mktemp("trained") / "farm"
    folder.mkdir()
    farm = Farm(folder)
    farm.generate()
    api.train(
        answers=farm.folder / "answered",
        out=farm.folder / "student",
        max_steps=2,
        batch_size=16,
        data_frac=0.5,
        seed=3,
    )
    return farm


@pytest.fixture
def moved(trained: Farm, tmp_path: Path) -> Path:
    """The farm's folder, copied. Its old place stays."""
    return shutil.copytree(trained.folder, tmp_path / "farm")


def facts(results: dict[str, Any]) -> list[Any]:
    return [results[name] for name in FACTS]


def test_a_copy_of_best_alone_is_measured_as_the_run_is(
    trained: Farm, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = trained.folder / "student"
    of_run = api.evaluate(run=run, out=tmp_path / "of-run")
    assert of_run["seed"] == 3
    assert of_run["teacher_accuracy"] == 1.0
    alone = shutil.copytree(run / "best", tmp_path / "mine")
    of_copy = api.evaluate(run=alone)
    assert facts(of_copy) == facts(of_run)
    assert of_copy["teacher_accuracy"] == 1.0
    assert Path(of_copy["out"]) == tmp_path / "mine-evaluate-test-generate"
    assert "gold labels only" not in capsys.readouterr().err
    lines = [dict(row) for row in trained.rows[:3]]
    (tmp_path / "rows.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    given = {"input": str(tmp_path / "rows.jsonl")}
    assert api.predict(run=alone, **given) == api.predict(run=run, **given)


def test_runs_and_data_that_move_together_are_found(trained: Farm, moved: Path) -> None:
    before = api.evaluate(run=trained.folder / "student", out=moved / "before")
    hidden = trained.folder.rename(trained.folder.with_name("hidden"))
    try:
        after = api.evaluate(run=moved / "student")
        assert facts(after) == facts(before)
        assert after["teacher_accuracy"] == 1.0
    finally:
        hidden.rename(trained.folder)


def test_without_the_answers_gold_labels_are_measured_alone_and_a_line_says_so(
    trained: Farm, moved: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    hidden = trained.folder.rename(trained.folder.with_name("hidden"))
    try:
        shutil.rmtree(moved / "answered")
        found = api.evaluate(run=moved / "student")
        assert found["teacher_accuracy"] is None
        assert found["against"] == "gold"
        said = capsys.readouterr().err
        assert "answers that the student learned from are gone; measuring against gold" in said
        named = {"answers": hidden / "answered", "out": moved / "named"}
        assert api.evaluate(run=moved / "student", **named)["teacher_accuracy"] == 1.0
    finally:
        hidden.rename(trained.folder)


def test_data_at_a_new_place_are_given_and_changed_ones_are_not_taken_unasked(
    trained: Farm, moved: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = api.evaluate(run=trained.folder / "student", out=moved / "before")
    hidden = trained.folder.rename(trained.folder.with_name("hidden"))
    try:
        rows = (moved / "rows.csv").rename(moved / "elsewhere.csv")
        with pytest.raises(InputError, match=r"data .* are gone.*name their place now with --data"):
            api.evaluate(run=moved / "student")
        again = api.evaluate(run=moved / "student", data=rows)
        assert facts(again) == facts(before)
        assert "is not the data" not in capsys.readouterr().err
        text = rows.read_text().replace("says 0 times", "says no time")
        (moved / "rows.csv").write_text(text)
        with pytest.raises(InputError, match="rows that have changed since the student was"):
            api.evaluate(run=moved / "student", out=moved / "changed")
        api.evaluate(run=moved / "student", data=moved / "rows.csv", out=moved / "changed")
        assert "is not the data that the student was trained on" in capsys.readouterr().err
    finally:
        hidden.rename(trained.folder)


def test_answers_to_other_rows_are_no_measure(
    farm: Farm, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    farm.give_ids()
    farm.generate()
    run = tmp_path / "student"
    api.train(answers=farm.folder / "answered", out=run, max_steps=1, batch_size=8)
    assert api.evaluate(run=run, out=tmp_path / "same")["teacher_accuracy"] == 1.0
    farm.write([{**row, "sound": row["sound"].replace("says", "cries")} for row in farm.rows])
    given = {"run": run, "data": farm.data}
    found = api.evaluate(**given, out=tmp_path / "other")
    assert (found["teacher_accuracy"], found["against"]) == (None, "gold")
    said = capsys.readouterr().err
    assert "was answered (80 of 80 answers have such a row)" in said
    assert "measuring against gold labels only" in said
    named = {**given, "answers": farm.folder / "answered"}
    with pytest.raises(InputError, match=r"where '.* says . times' was answered"):
        api.evaluate(**named, out=tmp_path / "named")
    allowed = api.evaluate(**named, allow_changed_inputs=True, out=tmp_path / "allowed")
    assert allowed["teacher_accuracy"] == 1.0


def test_overwritten_weights_are_refused(trained: Farm, tmp_path: Path) -> None:
    best = shutil.copytree(trained.folder / "student" / "best", tmp_path / "best")
    weights = best / "model.safetensors"
    content = weights.read_bytes()
    middle = len(content) // 2
    weights.write_bytes(content[:middle] + bytes(4000) + content[middle + 4000 :])
    message = "a damaged student: model.safetensors has changed"
    with pytest.raises(InputError, match=message):
        api.predict(run=best, input=str(trained.data))
    with pytest.raises(InputError, match=message):
        api.evaluate(run=best, out=tmp_path / "out")
    with pytest.raises(InputError, match=message):
        api.train(answers=trained.folder / "answered", student=str(best), out=tmp_path / "next")
