"""What older versions of transformers read of an export is what newer ones do."""

import json
from pathlib import Path
from typing import Any

import pytest

from dsbs import api
from support.farm import Farm
from support.random_students import GEMMA_POSITIONS, STRETCHED, save_random_student

pytest.importorskip("torch")


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
