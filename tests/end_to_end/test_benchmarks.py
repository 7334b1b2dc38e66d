"""The benchmarks run, and their tables hold what was measured."""

import importlib
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from dsbs import api
from dsbs.tasks.prompts import load_task
from support.farm import Farm
from support.places import ROOT


def benchmark(name: str, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(str(ROOT / "benchmarks"))
    return importlib.import_module(name)


def test_soft_targets_beat_hard_ones_on_few_digits(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("sklearn")
    hinton = benchmark("hinton", monkeypatch)
    found = [hinton.few_rows(seed) for seed in range(2)]
    assert all(f["soft targets, 3 % of rows"] > f["hard targets, 3 % of rows"] for f in found)
    text = hinton.report(found, "title", {"teacher, all rows": "58.9"})
    assert text.count("\n") == 4
    assert "58.9" in text


def test_soft_labels_of_a_chat_teacher_are_compared_with_hard_ones(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The whole path in small: top_logprobs over HTTP, soft training, the table."""
    hinton = benchmark("hinton_text", monkeypatch)
    for name, value in {"TRAIN": 24, "TEST": 12, "FRACTIONS": (1.0,)}.items():
        monkeypatch.setattr(hinton, name, value)
    answers = hinton.label(tmp_path)
    sizes = {"student": "tinier", "seeds": "0,1", "max_steps": 2, "batch_size": 8}
    found = {name: hinton.measure(name, answers, tmp_path, **sizes) for name in ("hard", "soft-T2")}
    assert [set(found[name][1.0]) for name in found] == [{0, 1}] * 2
    lines = hinton.table(found).splitlines()
    assert lines[2].startswith("| 24 | hard |")
    assert lines[3].startswith("| 24 | soft-T2 |")
    words = hinton.likelihoods(np.random.default_rng(0))
    assert hinton.posterior("w1 w2 w3", words).sum() == pytest.approx(1)


def test_options_are_measured_once_and_against_the_plain_one(
    answered_farm: Farm, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    options = benchmark("options", monkeypatch)
    assert len(options.OPTIONS) <= 12
    shared = {
        "answers": answered_farm.folder / "answered",
        "seeds": "0",
        "max_steps": 2,
        "batch_size": 8,
    }
    names = ["plain step-by-step", "a third of the rationales"]
    rows = [options.measure(name, options.OPTIONS[name], shared, tmp_path) for name in names]
    assert [(row["n"], row["seeds"]) for row in rows] == [(8, 1)] * 2
    lines = options.table(rows, rows[0]["accuracy"]).splitlines()
    assert lines[2].split(" | ")[4] == "+0.0"
    assert options.measure(names[0], options.OPTIONS[names[0]], shared, tmp_path) == rows[0]


def test_every_way_to_train_in_the_benchmark_has_the_same_loss(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Faster counts only for the same thing: the plain recipe's loss, micro-batch by micro-batch."""
    torch = pytest.importorskip("torch")
    train = benchmark("train", monkeypatch)
    from dsbs.training.batching import Collator

    data, model = train.examples(16), train.build("mini", "cpu").eval()
    plain = train.plain_step(model, data, "cpu")(range(16))
    for worth in (float("inf"), 40.0):
        ours = train.our_step(model, data, "cpu", Collator(train.TASKS, 0, pass_cost=worth), False)(
            range(16)
        )
        torch.testing.assert_close(ours, plain)


def test_the_training_benchmark_prints_every_arm(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("torch")
    train = benchmark("train", monkeypatch)
    train.train("mini", "cpu", batch_size=8, steps=1, bf16=False, options=())
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 8
    apart = [float(line.split("loss apart ")[1]) for line in lines[1:]]
    assert max(apart) < 1e-5
    assert "1.00 x" in lines[1]
    train.passes(["mini"], "cpu")
    assert "tokens/s" in capsys.readouterr().out


def test_labels_are_read_in_the_plain_way_and_in_ours(
    answered_farm: Farm,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    pytest.importorskip("torch")
    api.train(
        answers=answered_farm.folder / "answered",
        max_steps=60,
        batch_size=16,
        eval_every=60,
        out=tmp_path / "student",
    )
    benchmark("labels", monkeypatch).measure(tmp_path / "student", 1)
    lines = capsys.readouterr().out.splitlines()
    assert "100.0% the same labels" in lines[2]


def test_a_device_is_measured_and_its_costs_are_named(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("torch")
    device = benchmark("device", monkeypatch)
    row = device.measure("mini", "cpu", batch_size=4, steps=1, peak=1e12, top=3)
    assert row.utilisation == pytest.approx(row.tflops)
    assert row.tokens_per_s > 0
    assert row.pass_tokens > 4 * 2 * 40
    shares = [float(line.split("%")[0]) for line in capsys.readouterr().out.splitlines()]
    assert shares == sorted(shares, reverse=True)
    assert len(shares) == 3
    assert f"| {row.tokens_per_s:,.0f} |" in device.table([row])
    known = {
        "NVIDIA H100 80GB HBM3": 989,
        "NVIDIA H100 PCIe": 756,
        "NVIDIA A100-SXM4-80GB": 312,
        "NVIDIA A10": 125,
    }
    for name, tflops in known.items():
        assert device.peak_of(name) == tflops * 1e12
    assert device.peak_of("Some CPU") != device.peak_of("Some CPU"), "not known"


def test_the_benchmark_names_the_task_that_it_was_run_on() -> None:
    assert load_task(str(ROOT / "benchmarks" / "problem_type.yaml")).label.kind == "class"


def test_a_decoder_and_a_trainer_of_language_models_have_the_same_loss(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    pytest.importorskip("torch")
    decoder = benchmark("decoder", monkeypatch)
    monkeypatch.setitem(decoder.DECODERS, "test", decoder.DECODERS["gemma-mini"])
    known = decoder.examples(8)
    steps = [known[:4], known[4:]]
    name, seconds, losses = decoder.theirs("test", steps, rows=4, bf16=False)
    assert "Trainer" in name
    assert len(seconds) == 2
    ours = decoder.Ours("test", bf16=False)
    assert ours.backward(steps[0]) == pytest.approx(losses[0], rel=1e-4)
    assert decoder.bound("test", steps[0], 4) > 1


def test_one_shape_is_measured_in_miniature(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("torch")
    gpu = benchmark("gpu", monkeypatch)
    gpu.same_loss("mini", "cpu", 2)
    gpu.labels("mini", "cpu", 8)
    assert gpu.against_plain("mini", "cpu", 2) > 0
    assert capsys.readouterr().out.count("mini: ") == 4
