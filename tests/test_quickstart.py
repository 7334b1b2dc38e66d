"""The quickstart as a user runs it: a real teacher really served, real students, a comparison, a
student that is asked.
"""

import pytest

pytest.importorskip("torch")

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from dsbs import api
from dsbs.core.errors import InputError
from dsbs.quickstart import StudentContract, _promises
from support.command import Cli
from support.contracts import made_contract
from support.places import ROOT

FEW = ["--max-steps", "4", "--batch-size", "8", "--eval-every", "4"]


def test_no_other_module_knows_of_the_task() -> None:
    """It goes through the same stages, files and flags as any task."""
    found = {
        path.name for path in (ROOT / "dsbs").rglob("*.py") if "quickstart" in path.read_text()
    }
    assert found == {
        "quickstart.py",
        "request_options.py",
        "train.py",  # the help text names the built-in students
        "presets.py",
        "packaged_files.py",  # `doctor` looks whether its files are there
        "__main__.py",
        "api.py",
    }


def test_stage_by_stage_with_no_flags_but_small_ones(tmp_path: Path, cli: Cli) -> None:
    """The two commands of the README, on a few rows."""
    made = cli("generate", "--max-rows", 24, "--json", cwd=tmp_path)
    assert made.returncode == 0, made.stderr
    assert json.loads(made.stdout)["splits"]["train"]["teacher_accuracy"] >= 0.8
    trained = cli("train", "--data-frac", 0.8, *FEW, "--json", cwd=tmp_path)
    assert trained.returncode == 0, trained.stderr
    results = json.loads(trained.stdout)
    assert (results["task"], results["student"], results["data_frac"]) == (
        "quickstart",
        "quickstart",
        0.8,
    )
    assert results["n_fraction"] == 3072


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_the_fast_form_runs_in_full(tmp_path: Path, cli: Cli) -> None:
    """With vLLM where it is installed. Offline proves itself: a hub that does not answer must not
    be asked.
    """
    nowhere = {**os.environ, "HF_ENDPOINT": "http://127.0.0.1:9"}
    command = [sys.executable, "-m", "dsbs", "quickstart", "--fast", "--json"]
    done = subprocess.run(
        command, cwd=tmp_path, env=nowhere, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr[-3000:]
    results: dict[str, Any] = json.loads(done.stdout)
    cells = {(cell["method"], cell["labels"]): cell for cell in results["cells"]}
    cheap = {key: cells.pop(key) for key in list(cells) if key[0].startswith("baseline:")}
    assert {method for method, _ in cheap} == {"baseline:majority", "baseline:tfidf"}
    assert set(cells) == {
        ("standard", "gold"),
        ("standard", "teacher"),
        ("step_by_step", "teacher"),
    }
    assert results["verdict"]["sentence"].startswith("Cannot be told: 3 seeds would be needed")
    assert {cell["data_frac"] for cell in cells.values()} == {0.25}
    assert results["teacher_accuracy"] >= 0.9
    # Sixteen values, said without seeing the choices: each kind of student has learned twice what
    # chance gives.
    assert all(cell["score"]["ci95_examples"][0] > 2 / 16 for cell in cells.values())
    asked = json.loads((tmp_path / results["answers"] / "manifest.json").read_text())["results"]
    assert (asked["splits"]["train"]["rows"], asked["new"]) == (
        960,
        960 + 384 + 1152,
    )  # no more than is learned from
    assert (tmp_path / results["report"]).stat().st_size > 500
    question = json.dumps(
        {
            "question": "Where would you look for a trout?",
            "choices": ["barn", "river", "vase", "nest", "garage"],
        }
    )
    told = cli(
        "predict",
        "--run",
        cells["step_by_step", "teacher"]["out"],
        "--explain",
        cwd=tmp_path,
        stdin=question + "\n",
    )
    answer = json.loads(told.stdout)
    assert answer["label"] in (
        None,
        "barn",
        "river",
        "vase",
        "nest",
        "garage",
    )  # it never saw the choices
    assert answer["rationale"]
    again = subprocess.run(
        command, cwd=tmp_path, env=nowhere, capture_output=True, text=True, check=False
    )
    assert json.loads(again.stdout)["cells"] == results["cells"]


def test_a_stage_that_finds_its_input_wrong_ends_the_run_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "answers").mkdir()
    (tmp_path / "answers" / "mine.txt").write_text("not a run")
    with pytest.raises(InputError, match="dsbs generate: got exit code 2"):
        api.quickstart(out=tmp_path, engine="transformers")


def test_contracts_of_several_seeds_are_paired() -> None:
    contracts = [
        StudentContract(
            **dict(made_contract(share_local=share, share_local_ci95=(share, share))),
            run="r", out="o", contract="c", method=method, seed=seed,
        )
        for method, shares in (("standard", (0.1, 0.2)), ("step_by_step", (0.4, 0.6)))
        for seed, share in enumerate(shares)
    ]  # fmt: skip
    last, *lines = _promises(contracts)
    assert "answers 60.0 % of calls" in last
    assert lines[0] == "answered locally by standard: 15.0 %"
    assert lines[2].startswith("step_by_step answers 35.0 % more (95 % -28.5 to 98.5 % over seeds)")
    assert len(_promises(contracts[-1:])) == 1
