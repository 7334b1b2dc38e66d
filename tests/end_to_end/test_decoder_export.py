"""A trained decoder-only student is exported by the command, and its export is used as it is."""

import json
from pathlib import Path

import pytest

from dsbs import api
from dsbs.core.errors import InputError
from support.command import run_command
from support.farm import Farm

pytest.importorskip("torch")
pytest.importorskip("ctranslate2")


def train(farm: Farm, student: str, out: Path, *, steps: int) -> Path:
    api.train(
        answers=farm.folder / "answered",
        student=student,
        out=out,
        max_steps=steps,
        eval_every=steps,
        batch_size=16,
        max_input_tokens=64,
        max_target_tokens=32,
    )
    return out


def test_a_trained_student_is_exported_and_predicts_the_same(
    answered_farm: Farm, tmp_path: Path
) -> None:
    student = train(answered_farm, "tiny-llama", tmp_path / "student", steps=60)
    out = tmp_path / "export"
    flags = ("--run", student, "--to", "ctranslate2", "--out", out, "--latency-repeats", 0)
    done = run_command("export", *flags, "--json")
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found["family"] == "decoder-only"
    assert found["parity"]["flips"] == 0
    assert found["parity"]["max_score_difference"] < 1e-3
    rows = [{"animal": "owl", "sound": "hoots"}, {"animal": "cow", "sound": "moos"}]
    asked = tmp_path / "rows.jsonl"
    asked.write_text("\n".join(map(json.dumps, rows)))
    told = {}
    for run in (student, out):
        done = run_command("predict", "--run", run, "--input", asked, "--explain", "--scores")
        assert done.returncode == 0, done.stderr
        told[run] = [json.loads(line) for line in done.stdout.splitlines()]
    for ours, theirs in zip(told[out], told[student], strict=True):
        assert (ours["label"], ours["rationale"]) == (theirs["label"], theirs["rationale"])
        assert ours["scores"] == pytest.approx(theirs["scores"], abs=1e-3)
    before = api.evaluate(run=student)
    after = api.evaluate(run=out)
    assert (after["n"], after["correct"]) == (before["n"], before["correct"])


def test_a_student_with_narrow_windows_is_exported_for_transformers_alone(
    answered_farm: Farm, tmp_path: Path
) -> None:
    student = train(answered_farm, "tiny-gemma", tmp_path / "student", steps=3)
    with pytest.raises(InputError, match=r"layers that look back 16; .*use --to hf"):
        api.export(run=student, to="ctranslate2")
    with pytest.raises(InputError, match="use --to hf or ctranslate2"):
        api.export(run=student, to="onnx")
    found = api.export(run=student, to="hf", latency_repeats=0)
    assert (found["status"], found["parity"]["flips"]) == ("done", 0)
