"""Another version of transformers reads the same from a folder of `--to hf`."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from dsbs import api
from dsbs.artifacts.student_card import read_card
from dsbs.core.records import LABEL
from dsbs.runtimes.loaded import load
from support import written_tokens
from support.farm import Farm
from support.random_students import GEMMA_POSITIONS, SHAPES, STRETCHED, save_random_student

pytest.importorskip("torch")
OLD = ("transformers==4.57.*", "huggingface_hub<1.0", "tokenizers<0.23")
PIP = ("-m", "pip", "install", "-q", "--no-deps", "--no-compile", "--retries", "0")


@pytest.fixture(scope="module")
def old_transformers(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with transformers 4.57 and what it needs of its own; all else is shared."""
    folder = tmp_path_factory.mktemp("transformers-4.57")
    command = [sys.executable, *PIP, "--target", str(folder), *OLD]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        pytest.skip(f"pip cannot install transformers 4.57: {done.stderr.strip()[-200:]}")
    return folder


def tokens_by(old_transformers: Path, asked: list[dict[str, Any]]) -> Any:
    """What that version finds, in a process of its own."""
    command = [sys.executable, written_tokens.__file__, json.dumps(asked)]
    env = {**os.environ, "PYTHONPATH": str(old_transformers), "HF_HUB_OFFLINE": "1"}
    done = subprocess.run(command, capture_output=True, text=True, env=env)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found["version"].startswith("4.57.")
    return found["found"]


def test_transformers_4_57_writes_the_same(tmp_path: Path, old_transformers: Path) -> None:
    from dsbs.exporting.to_hf import convert

    farm = Farm(tmp_path, sounds=1)
    rows = [{"animal": row["animal"], "sound": row["sound"]} for row in farm.rows[:4]]
    asked = []
    wanted = []
    for shape in SHAPES:
        folder = save_random_student(farm, tmp_path / shape, shape)
        out = tmp_path / f"{shape}-hf"
        out.mkdir()
        convert(folder, read_card(folder), out, "none")
        student = load(folder)
        texts = [student.card.encoder_text(LABEL, one.input) for one in student.examples(rows)]
        question = {"texts": texts, "labels": student.card.task.label.labels}
        asked.append({"folder": str(out), **question})
        found = written_tokens.written_tokens(folder, **question)
        assert [one["label"] for one in found] == [one.label for one in student.predict(rows)]
        wanted.append(found)
    for shape, found, ours in zip(SHAPES, tokens_by(old_transformers, asked), wanted, strict=True):
        assert found == ours, shape


def configuration(folder: Path, shape: str) -> dict[str, Any]:
    farm = Farm(folder, sounds=1)
    student = save_random_student(farm, folder / "student", shape)
    api.export(run=student, to="hf", out=folder / "export", latency_repeats=0)
    found: dict[str, Any] = json.loads((folder / "export" / "config.json").read_text())
    return found


def test_positions_have_their_old_names_too(tmp_path: Path) -> None:
    from transformers import AutoConfig

    found = configuration(tmp_path, "llama-3")
    assert found["rope_theta"] == STRETCHED["rope_theta"]
    assert found["rope_scaling"] == {k: v for k, v in STRETCHED.items() if k != "rope_theta"}
    assert AutoConfig.from_pretrained(tmp_path / "export").rope_parameters == STRETCHED


def test_positions_of_several_kinds_of_layers_have_their_old_names_too(tmp_path: Path) -> None:
    from transformers import AutoConfig

    found = configuration(tmp_path, "gemma3-4b")
    local, whole = GEMMA_POSITIONS["sliding_attention"], GEMMA_POSITIONS["full_attention"]
    assert found["rope_local_base_freq"] == local["rope_theta"]
    assert found["rope_theta"] == whole["rope_theta"]
    assert found["rope_scaling"] == {"rope_type": "linear", "factor": 4.0}
    assert AutoConfig.from_pretrained(tmp_path / "export").rope_parameters == GEMMA_POSITIONS
