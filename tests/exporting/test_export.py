"""Exports give the labels of their students, for every shape; what differs is told."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from dsbs import api
from dsbs.artifacts.student_card import CARD, read_card
from dsbs.core.errors import InputError
from dsbs.runtimes.loaded import load
from support.farm import Farm
from support.random_students import DECODERS, SHAPES, save_random_student

pytest.importorskip("torch")
TARGETS = {"hf": "torch", "ctranslate2": "ctranslate2", "onnx": "onnxruntime"}


def exported(student: Path, to: str, out: Path, **flags: Any) -> dict[str, Any]:
    pytest.importorskip(TARGETS[to])
    if to == "onnx":
        pytest.importorskip("onnx")
    return api.export(run=student, to=to, out=out, **({"latency_repeats": 0} | flags))


@pytest.mark.parametrize(
    ("shape", "to"),
    [*((shape, to) for shape in SHAPES for to in TARGETS), *((shape, "hf") for shape in DECODERS)],
)
def test_every_shape_has_the_same_labels(tmp_path: Path, shape: str, to: str) -> None:
    farm = Farm(tmp_path, sounds=2)
    student = save_random_student(farm, tmp_path / "student", shape)
    found = exported(student, to, tmp_path / "export")
    assert found["status"] == "done"
    assert found["parity"]["rows"] == len(farm.rows)
    assert found["parity"]["flips"] == 0
    assert found["parity"]["max_score_difference"] < 0.01
    rows = [{"animal": row["animal"], "sound": row["sound"]} for row in farm.rows[:6]]
    before = load(student).explain(rows)
    after = load(tmp_path / "export").explain(rows)
    assert [one.rationale for one in after] == [one.rationale for one in before]


@pytest.mark.parametrize(
    ("shape", "to"), [("t5-v1_1", "ctranslate2"), ("t5-v1_1", "onnx"), ("llama", "ctranslate2")]
)
@pytest.mark.parametrize(
    "card",
    [
        {"decode": "generate"},
        {"task_prefix": "decoder"},
        {"method": "label_then_rationale"},
        {"method": "rationale_then_label", "decode": "generate"},
    ],
    ids=["generate", "prefix-in-decoder", "label-first", "rationale-first"],
)
def test_every_method_has_the_same_scores(
    tmp_path: Path, shape: str, to: str, card: dict[str, Any]
) -> None:
    farm = Farm(tmp_path, sounds=1)
    student = save_random_student(farm, tmp_path / "student", shape, **card)
    found = exported(student, to, tmp_path / "export")
    assert found["parity"]["flips"] == 0
    assert found["parity"]["max_score_difference"] < 0.01
    rows = [{"animal": "owl", "sound": "hoots"}, {"animal": "cow", "sound": "moos"}]
    before = load(student)
    after = load(tmp_path / "export")
    assert [p.raw for p in after.predict(rows)] == [p.raw for p in before.predict(rows)]
    for ours, theirs in zip(after.probabilities(rows), before.probabilities(rows), strict=True):
        assert ours == pytest.approx(theirs, abs=1e-3)


def test_an_export_whose_labels_differ_is_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from dsbs.exporting import export as exporting

    farm = Farm(tmp_path, sounds=1)
    # Per token: the shortest label has the highest sum in both.
    student = save_random_student(farm, tmp_path / "student", score_norm="mean")
    other = save_random_student(farm, tmp_path / "other", "flan-tied", score_norm="mean")
    whole = exporting.converter
    monkeypatch.setattr(
        exporting, "converter", lambda route: lambda _, *rest: whole(route)(other, *rest)
    )
    out = tmp_path / "export"
    found = exported(student, "hf", out)
    assert found["status"] == "incomplete"
    assert found["parity"]["flips"] == len(found["parity"]["differences"]) > 0
    assert not (out / CARD).exists()
    with pytest.raises(InputError, match="no student"):
        load(out)
    accepted = exported(student, "hf", out, max_flips=len(farm.rows))
    assert accepted["status"] == "done"
    assert read_card(out).export is not None


def test_latency_is_measured_for_each_length_batch_and_number_of_threads(tmp_path: Path) -> None:
    farm = Farm(tmp_path, sounds=1)
    student = save_random_student(farm, tmp_path / "student")
    found = exported(student, "hf", tmp_path / "export", latency_repeats=3)
    sizes = {(one["input_tokens"], one["batch"]) for one in found["latency"]}
    assert sizes == {(length, batch) for length in (16, 24) for batch in (1, 8, 32)}
    assert {one["threads"] for one in found["latency"]} >= {1}
    assert all(0 < one["p50_ms"] <= one["p95_ms"] for one in found["latency"])


def test_what_cannot_be_exported_is_refused(tmp_path: Path) -> None:
    farm = Farm(tmp_path, sounds=1)
    student = save_random_student(farm, tmp_path / "student")
    with pytest.raises(InputError, match="use --to ctranslate2, or --quantize none"):
        api.export(run=student, to="hf", quantize="int8")
    other = save_random_student(farm, tmp_path / "other", "llama")
    with pytest.raises(InputError, match=r"of kind decoder-only.*; use --to hf or ctranslate2$"):
        api.export(run=other, to="onnx")


@pytest.mark.parametrize("shape", ["t5-v1_1", "llama"])
def test_an_export_needs_neither_torch_nor_transformers(tmp_path: Path, shape: str) -> None:
    farm = Farm(tmp_path, sounds=1)
    student = save_random_student(farm, tmp_path / "student", shape)
    exported(student, "ctranslate2", tmp_path / "export")
    code = (
        "import sys\n"
        "for name in ('torch', 'transformers'): sys.modules[name] = None\n"
        "import dsbs\n"
        "student = dsbs.load(sys.argv[1])\n"
        "rows = [{'animal': 'owl', 'sound': 'hoots'}]\n"
        "print(student.predict(rows)[0].label, sum(student.probabilities(rows)[0].values()))\n"
    )
    command = [sys.executable, "-c", code, str(tmp_path / "export")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    label, total = done.stdout.split()
    assert label in ("bird", "mammal")
    assert float(total) == pytest.approx(1)


def test_a_changed_byte_is_refused(tmp_path: Path) -> None:
    farm = Farm(tmp_path, sounds=1)
    student = save_random_student(farm, tmp_path / "student")
    exported(student, "ctranslate2", tmp_path / "export")
    model = tmp_path / "export" / "model.bin"
    model.write_bytes(model.read_bytes()[:-1] + b"?")
    with pytest.raises(InputError, match=r"model\.bin has changed"):
        load(tmp_path / "export")
