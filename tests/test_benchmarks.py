"""The benchmarks run, and their tables hold what was measured."""

import importlib
from pathlib import Path
from types import ModuleType

import pytest
from conftest import ROOT, Farm


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


def test_options_are_measured_once_and_against_the_plain_one(
    answered_farm: Farm, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    options = benchmark("options", monkeypatch)
    assert len(options.OPTIONS) <= 12
    shared = {"answers": answered_farm.folder / "answered", "seeds": "0", "max_steps": 2, "batch_size": 8}
    names = ["plain step-by-step", "a third of the rationales"]
    rows = [options.measure(name, options.OPTIONS[name], shared, tmp_path) for name in names]
    assert [(row["n"], row["seeds"]) for row in rows] == [(8, 1)] * 2
    lines = options.table(rows, rows[0]["accuracy"]).splitlines()
    assert lines[2].split(" | ")[4] == "+0.0"
    assert options.measure(names[0], options.OPTIONS[names[0]], shared, tmp_path) == rows[0]
