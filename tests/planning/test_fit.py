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


def test_a_coefficient_at_its_bound_is_named_and_has_the_whole_range(tmp_path: Path) -> None:
    """Losses that fall with N^-6: faster than alpha x gamma may be, which is 4."""
    rows = [
        {"N": n, "D": d, "L_S": 1.5 + (n / 1e8) ** -6 + (d / 1e9) ** -0.3}
        for n in (1e8, 1.2e8, 1.5e8, 2e8)
        for d in (1e9, 1e10, 1e11)
    ]
    found = ask("fit", str(write_table(tmp_path / "r.csv", rows)), "--bootstrap-samples", "20")
    stopped = {one["name"]: one for one in found["coefficients"] if one["at_bound"]}
    assert {"alpha", "gamma"} & set(stopped)
    for name in {"alpha", "gamma"} & set(stopped):
        assert (stopped[name]["low"], stopped[name]["high"]) == pytest.approx((0.02, 2.0))
        assert name in found["sentence"].split("at its bound")[0].split("at their bounds")[0]
    free = ask(
        "fit",
        str(write_table(tmp_path / "free.csv", supervised_runs(noise=0.0))),
        "--bootstrap-samples",
        "20",
    )
    assert not any(one["at_bound"] for one in free["coefficients"])
    assert "bound" not in free["sentence"]
