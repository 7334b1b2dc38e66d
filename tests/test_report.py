"""`dsbs report` from real runs."""

import json
import re
from pathlib import Path

import pytest

from dsbs import api
from dsbs.core.errors import InputError
from dsbs.reporting.write import write_report
from support.command import Cli
from support.csv_rows import rows_of
from support.farm import Farm
from support.made_runs import World


def test_the_chain_from_answers_to_the_report(
    answered_farm: Farm, tmp_path: Path, cli: Cli
) -> None:
    """generate, compare, report and runs as a user calls them; the table of the report is that of
    the comparison.
    """
    compare, out = tmp_path / "compare", tmp_path / "page"
    arguments = [
        "--max-steps",
        "2",
        "--batch-size",
        "8",
        "--max-target-tokens",
        "24",
        "--baselines",
        "",
        "--out",
        compare,
        "--json",
    ]
    results = json.loads(
        cli("compare", "--answers", answered_farm.folder / "answered", *arguments).stdout
    )
    done = cli("report", compare, "--out", out)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith(f"{out}/report.html: 10 figures, ")
    page = (out / "report.html").read_text(encoding="utf-8")
    assert (
        "2 students were trained for the task farm and answered the same 8 test questions." in page
    )
    assert "1 seed is too few for a claim about the methods, which needs 3." in page
    found = rows_of(out / "tables" / "cells-farm.csv")
    assert [float(row["accuracy"]) for row in found] == [
        cell["accuracy"] for cell in results["cells"]
    ]
    assert (out / "figures" / "curves-farm-tiny-gold-1-eval-accuracy.svg").is_file()
    listed = json.loads(cli("runs", tmp_path, "--json").stdout)["runs"]
    assert [(run["stage"], run["status"], run["folder"]) for run in listed] == [
        ("compare", "done", str(compare))
    ]
    assert listed[0]["accuracy"] == max(cell["accuracy"] for cell in results["cells"])


def test_a_broken_run_below_runs_does_not_stop_the_report(tmp_path: Path, cli: Cli) -> None:
    world = World(tmp_path / "runs", examples=30, students=("tiny",), fractions=(1.0,), seeds=1)
    world.folder.mkdir()
    world.compare(world.answers())
    for name, text in {"broken": "{", "foreign": '{"stage": "bake"}', "empty": ""}.items():
        (world.folder / name).mkdir()
        (world.folder / name / "manifest.json").write_text(text)
    done = cli("report", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("runs/compare/report/report.html: ")


def test_students_that_were_trained_alone_are_compared_too(
    answered_farm: Farm, tmp_path: Path
) -> None:
    quick = {
        "answers": answered_farm.folder / "answered",
        "max_steps": 2,
        "batch_size": 8,
        "max_target_tokens": 24,
    }
    runs = [tmp_path / method for method in ("standard", "step_by_step")]
    for run in runs:
        api.train(method=run.name, out=run, **quick)
    with pytest.raises(InputError, match="students of farm not measured on test"):
        write_report(runs, tmp_path / "page")
    measured = [api.evaluate(run=run)["accuracy"] for run in runs]
    assert any((runs[0] / "tensorboard").glob("events.out.*"))
    write_report(runs, tmp_path / "page")
    rows = rows_of(tmp_path / "page" / "tables" / "cells-farm.csv")
    assert [(row["student"], float(row["accuracy"])) for row in rows] == list(
        zip(["standard", "step_by_step"], measured, strict=True)
    )
    page = (tmp_path / "page" / "report.html").read_text(encoding="utf-8")
    assert re.findall(r"<summary>(\w+): ", page) == [
        "train",
        "train",
        "evaluate",
        "evaluate",
        "generate",
    ]


def test_students_that_met_other_questions_are_not_compared(farm: Farm, tmp_path: Path) -> None:
    farm.give_ids()
    farm.generate()
    runs = [tmp_path / method for method in ("standard", "step_by_step")]
    for run in runs:
        quick = {"answers": farm.folder / "answered", "max_steps": 1, "batch_size": 8}
        api.train(method=run.name, out=run, **quick)
    api.evaluate(run=runs[0])
    farm.write([{**row, "sound": row["sound"].replace("says", "cries")} for row in farm.rows])
    api.evaluate(run=runs[1], data=farm.data)
    with pytest.raises(InputError, match="another test input with id"):
        write_report(runs, tmp_path / "page")
