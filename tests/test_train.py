"""`dsbs train`: which answers it takes, and which run it continues."""

import json
from pathlib import Path
from typing import Any

import pytest

from dsbs import api
from dsbs.core.errors import InputError
from support.command import Cli
from support.farm import Farm


@pytest.fixture
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_train_without_answers_takes_the_newest_run_and_says_which(
    farm: Farm, elsewhere: Path, cli: Cli
) -> None:
    with pytest.raises(InputError, match="run dsbs generate first"):
        api.train(max_steps=1)
    for name in ("older", "newer"):
        farm.generate(out=elsewhere / "runs" / name)
    done = cli("train", "--data-frac", "0.8", "--max-steps", "2", cwd=elsewhere)
    assert done.returncode == 0, done.stderr
    assert "answers: runs/newer" in done.stderr
    assert "51 of 64 training rows" in done.stderr
    assert "free" in done.stderr


def test_train_without_answers_takes_those_of_the_task_that_is_named(
    farm: Farm, elsewhere: Path
) -> None:
    farm.generate(out=elsewhere / "runs" / "farm")
    with pytest.raises(InputError, match="a finished generate run of task 'svamp' below"):
        api.train(task="svamp", max_steps=1)
    manifest = json.loads((elsewhere / "runs" / "farm" / "manifest.json").read_text())
    other = elsewhere / "runs" / "newer"
    other.mkdir()
    late = manifest | {
        "results": manifest["results"] | {"task": "svamp"},
        "finished": "2999-01-01T00:00:00+00:00",
    }
    (other / "manifest.json").write_text(json.dumps(late))
    assert api.train(task=str(farm.task), max_steps=1)["n_train"] == 64


def test_answers_of_another_task_or_data_set_are_refused(
    answered_farm: Farm, published: Path, tmp_path: Path
) -> None:
    with pytest.raises(InputError, match="answers of task 'farm'"):
        api.train(task="cqa", data=published, answers=answered_farm.folder / "answered")
    other = tmp_path / "other.csv"
    other.write_text("animal,sound,kind\n" + "".join(f"x{n},y,bird\n" for n in range(20)))
    with pytest.raises(InputError, match="answers with ids like"):
        api.train(data=other, answers=answered_farm.folder / "answered")


def test_how_a_step_is_cut_does_not_make_another_run(answered_farm: Farm, tmp_path: Path) -> None:
    """Who runs out of memory goes on in the same folder with a smaller limit."""
    settings: dict[str, Any] = {
        "answers": answered_farm.folder / "answered",
        "max_steps": 1,
        "batch_size": 8,
    }
    first = api.train(**settings, out=tmp_path / "run")
    assert api.train(**settings, micro_batch_tokens=100, out=tmp_path / "run") == first
