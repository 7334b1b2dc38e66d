"""Decoder-only students in CTranslate2 give the labels and scores of their students."""

from pathlib import Path
from typing import Any

import pytest

from dsbs import api
from dsbs.core.errors import InputError
from dsbs.runtimes.loaded import load
from support import random_students
from support.decoder_tokenizers import continued_tokenizer
from support.farm import Farm
from support.random_students import DECODERS, decoder, save_random_student

pytest.importorskip("torch")
pytest.importorskip("ctranslate2")
NARROW = "gemma3-narrow"


def exported(farm: Farm, shape: str, **flags: Any) -> dict[str, Any]:
    student = save_random_student(farm, farm.folder / "student", shape)
    given = {"to": "ctranslate2", "latency_repeats": 0} | flags
    return api.export(run=student, out=farm.folder / "export", **given)


@pytest.mark.parametrize("shape", sorted(DECODERS.keys() - {NARROW}))
def test_every_shape_has_the_same_labels_scores_and_rationales(tmp_path: Path, shape: str) -> None:
    farm = Farm(tmp_path, sounds=2)
    found = exported(farm, shape)
    assert found["status"] == "done"
    assert found["parity"]["rows"] == len(farm.rows)
    assert found["parity"]["flips"] == 0
    assert found["parity"]["max_score_difference"] < 1e-3
    rows = [{"animal": "owl", "sound": "hoots"}, {"animal": "cow", "sound": "moos " * 20}]
    before = load(tmp_path / "student").explain(rows)
    after = load(tmp_path / "export").explain(rows)
    assert [one.rationale for one in after] == [one.rationale for one in before]


def test_eight_bits_are_compared_and_measured(tmp_path: Path) -> None:
    farm = Farm(tmp_path, sounds=1)
    found = exported(farm, "qwen3", quantize="int8", max_flips=len(farm.rows), latency_repeats=3)
    assert found["status"] == "done"
    assert "int8" in found["runtime"]
    assert 1e-3 < found["parity"]["max_score_difference"] < 2
    assert {one["batch"] for one in found["latency"]} == {1, 8, 32}
    weights = (tmp_path / "student" / "model.safetensors").stat().st_size
    assert (tmp_path / "export" / "model.bin").stat().st_size < weights / 2


def test_a_window_that_is_narrower_than_a_row_is_refused(tmp_path: Path) -> None:
    farm = Farm(tmp_path, sounds=1)
    with pytest.raises(InputError, match=r"layers that look back 16; .*use --to hf, or train with"):
        exported(farm, NARROW)
    assert not (tmp_path / "export" / "model.bin").exists()


@pytest.mark.parametrize(
    ("kind", "settings", "reason"),
    [
        ("smollm3", {}, r"'smollm3' \(ValueError: No conversion is registered"),
        ("llama", {"hidden_act": "gelu"}, r"'llama' \(it computes something else\)"),
        ("llama", {"head_dim": 16}, r"'llama' \(axis 2 has dimension"),
    ],
)
def test_what_the_library_computes_otherwise_is_refused_in_one_line(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    kind: str,
    settings: dict[str, Any],
    reason: str,
) -> None:
    def make(vocabulary: int) -> Any:
        return decoder(kind, vocabulary, **settings)

    shapes = {**DECODERS, "other": (continued_tokenizer, make)}
    monkeypatch.setattr(random_students, "DECODERS", shapes)
    with pytest.raises(InputError, match=f"{reason}.*; use --to hf") as found:
        exported(Farm(tmp_path, sounds=1), "other")
    assert "\n" not in str(found.value)
    assert len(str(found.value)) < 250
