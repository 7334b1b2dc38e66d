"""`dsbs plan fit`: the laws that made the runs are found again."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dsbs.scaling import laws
from support.planner import ask, supervised_runs, write_table


def test_fit_recovers_the_law_that_made_the_runs(tmp_path: Path) -> None:
    table = write_table(tmp_path / "runs.csv", supervised_runs(noise=0.0))
    results = ask("fit", str(table), "--bootstrap-samples", "20")
    assert results["law"] == "supervised"
    assert results["fitted_error"] < 1e-4
    found = {c["name"]: c for c in results["coefficients"]}
    assert found["E"]["value"] == pytest.approx(1.22, abs=0.05)
    assert found["alpha"]["published"] == 0.408
    noisy = ask(
        "fit",
        str(write_table(tmp_path / "noisy.csv", supervised_runs(noise=0.01))),
        "--bootstrap-samples",
        "40",
    )
    assert 0.001 < noisy["fitted_error"] < 0.01
    assert (
        noisy["coefficients"][0]["low"]
        < noisy["coefficients"][0]["value"]
        < noisy["coefficients"][0]["high"]
    )


def test_fit_takes_the_law_of_students_alone_from_the_same_table(tmp_path: Path) -> None:
    rows: list[dict[str, Any]] = [row | {"L_T": ""} for row in supervised_runs(noise=0.0)]
    sizes = [
        (n, m * n, t)
        for n in np.geomspace(1.5e8, 7e9, 4)
        for m in (10, 60, 200)
        for t in (2.0, 2.4, 2.9)
    ]
    rows += [
        {"N": n, "D": d, "L_T": t, "L_S": laws.student_loss(n, d, teacher_loss=t)}
        for n, d, t in sizes
    ]
    results = ask("fit", str(write_table(tmp_path / "runs.csv", rows)), "--bootstrap-samples", "20")
    assert (results["law"], results["rows"]) == ("distillation", 36)
    assert results["supervised_from"] == "fitted to the 20 runs without a teacher"
    assert results["fitted_error"] < 0.003
