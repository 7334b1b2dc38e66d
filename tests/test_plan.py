"""`dsbs plan` as users ask it: every question's answer, what it rests on, figures, and bad input in one line."""

import csv
import importlib
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from conftest import Cli, Farm
from cyclopts import UnknownOptionError

from dsbs import api
from dsbs.core.errors import InputError
from dsbs.plan import STAGE, show
from dsbs.planning import teacher as teacher_question
from dsbs.scaling import laws

QUESTIONS: dict[str, list[str]] = {
    "teacher": ["--student", "770M"],
    "budget": ["--compute", "1e21", "--student", "1B", "--scenario", "inference"],
    "cost": ["--task", "svamp", "--rows", "10k", "--teacher", "7B"],
    "law": ["--n-student", "1e9", "--d-student", "2e10", "--teacher-loss", "2.0"],
}


def ask(question: str, *arguments: str) -> dict[str, Any]:
    """What the question answers to a command line, without a process of its own."""
    stage = STAGE.question(question)
    return stage.run(stage.parse(list(arguments)))


def write_run(
    folder: Path,
    *,
    task: str = "farm",
    floor: float = 0.15,
    seeds: int = 3,
    noise: float = 0.01,
    **cell: Any,
) -> Path:
    """A finished comparison whose accuracy follows a power law of rows: 1 - floor - 6 / rows^0.5, and noise."""
    rng = np.random.default_rng(0)
    cells = [
        {
            "name": f"{f}-{s}",
            "student": "t5-small",
            "method": "standard",
            "labels": "gold",
            "data_frac": f,
            "seed": s,
        }
        | {
            "n_train": round(8000 * f),
            "accuracy": float(1 - floor - 6 / (8000 * f) ** 0.5 + noise * rng.standard_normal()),
        }
        | {"status": "done"}
        | cell
        for f in (0.05, 0.075, 0.125, 0.2, 0.275, 0.375, 0.5)
        for s in range(seeds)
    ]
    results = {"task": task, "match": "steps", "decode": "generate", "cells": cells}
    folder.mkdir()
    (folder / "manifest.json").write_text(
        json.dumps({"stage": "compare", "status": "done", "results": results})
    )
    return folder


def write_table(path: Path, rows: list[dict[str, Any]]) -> Path:
    """A CSV of runs."""
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    return path


def supervised_runs(noise: float) -> list[dict[str, Any]]:
    rng = np.random.default_rng(0)
    sizes = [(n, m * n) for n in np.geomspace(1.5e8, 1e10, 5) for m in (5, 20, 60, 200)]
    return [
        {"N": n, "D": d, "L_S": laws.supervised_loss(n, d) * np.exp(noise * rng.standard_normal())}
        for n, d in sizes
    ]


@pytest.mark.parametrize("question", QUESTIONS)
def test_questions_are_answered_without_torch_or_transformers(question: str) -> None:
    code = (
        "import sys; from dsbs.plan import STAGE\n"
        f"try: STAGE.main({[question, *QUESTIONS[question]]!r})\n"
        "except SystemExit as stop: assert not stop.code, stop.code\n"
        "heavy = {'torch', 'vllm', 'transformers', 'datasets', 'matplotlib'} & set(sys.modules)\n"
        "assert not heavy, heavy\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "rests on:" in done.stdout
    assert done.stderr == ""


@pytest.mark.parametrize("question", QUESTIONS)
def test_every_answer_is_a_table_a_sentence_and_what_it_rests_on(question: str) -> None:
    results = ask(question, *QUESTIONS[question])
    assert json.loads(json.dumps(results)) == results
    module = importlib.import_module(f"dsbs.planning.{question}")
    text = show(module, results)
    assert results["sentence"] in text
    assert results["sentence"].count("\n") == 0
    for found in module.tables(results):
        assert all(len(row) == len(found.columns) for row in found.rows)


def test_law_gives_the_reference_losses_and_their_parts() -> None:
    results = ask("law", *QUESTIONS["law"])
    assert results["student_loss"] == pytest.approx(2.27681058, abs=5e-9)
    assert results["supervised_loss"] == pytest.approx(2.37469225, abs=5e-9)
    assert results["in_range"] is True
    parts = results["parts"]
    assert parts["teacher_loss"] + parts["weight"] * parts["own_limits"] == pytest.approx(
        results["student_loss"], rel=1e-12
    )
    own = parts["supervised_size_term"] + parts["supervised_data_term"]
    assert parts["supervised_floor"] + own**laws.SUPERVISED.gamma == pytest.approx(
        results["supervised_loss"], rel=1e-12
    )


def test_law_takes_the_teacher_by_its_size_too() -> None:
    results = ask("law", "--n-student", "546M", "--d-student", "10.92B", "--n-teacher", "1.82B")
    assert results["teacher_loss"] == pytest.approx(laws.supervised_loss(1.82e9, 36.4e9))
    assert results["student_loss"] == pytest.approx(2.42, abs=0.01)  # measured in the paper
    beyond = ask(
        "law",
        "--n-student",
        "60M",
        "--d-student",
        "1e9",
        "--n-teacher",
        "1e9",
        "--d-teacher",
        "1e12",
    )
    assert beyond["in_range"] is False
    assert [note.split(":")[0] for note in beyond["rests_on"]].count("EXTRAPOLATED") == 2
    assert "extrapolation" in beyond["sentence"]


def test_teacher_shows_both_laws_and_merges_nothing() -> None:
    results = ask("teacher", "--student", "770M")
    assert results["capacity_gap"]["teacher_params"] == pytest.approx(
        laws.capacity_gap_teacher(770e6)
    )
    assert results["scaling_law"]["teacher_params"] / 770e6 == pytest.approx(83, rel=0.02)
    assert not results["capacity_gap"]["beyond_fitted"]
    assert results["scaling_law"]["beyond_fitted"]
    assert 0 < results["scaling_law"]["flatness"]["half"] < 0.01
    assert "disagree" in results["sentence"]
    assert any("20 a parameter, for none were given" in note for note in results["rests_on"])
    more = ask("teacher", "--student", "770M", "--student-tokens", "1.54T")
    assert more["scaling_law"]["teacher_params"] / 770e6 == pytest.approx(9.3, rel=0.02)
    assert any(note.startswith("EXTRAPOLATED") and "1.54T" in note for note in more["rests_on"])


def test_each_law_counts_a_t5_by_its_own_parameters() -> None:
    named = ask("teacher", "--student", "google/t5-v1_1-base")
    assert named["student"]["params"] > named["student"]["non_embedding"]
    assert named["capacity_gap"]["teacher_params"] == pytest.approx(
        laws.capacity_gap_teacher(named["student"]["params"])
    )
    tiny = ask("teacher", "--student", "tiny")
    assert tiny["capacity_gap"]["teacher_params"] is None
    assert "says nothing of a student this small" in tiny["sentence"]


def test_candidates_are_ranked_by_what_was_measured_else_by_the_law(tmp_path: Path) -> None:
    listed = tmp_path / "teachers.yaml"
    listed.write_text(
        "- {name: small, size: 2B, price_per_million_tokens: 0.1, accuracy: 0.7}\n"
        "- {name: right, size: 60B, price_per_token: 2.0e-6, accuracy: 0.6}\n"
        "- {name: huge, size: 5T, price_per_million_tokens: 30, accuracy: 0.8}\n"
    )
    results = ask("teacher", "--student", "770M", "--candidates", str(listed))
    by_name = {row["name"]: row for row in results["candidates"]}
    assert [row["name"] for row in results["candidates"]] == ["huge", "small", "right"]
    assert by_name["right"]["rank_scaling_law"] == 1
    assert by_name["small"]["rank_capacity_gap"] == 1
    assert by_name["right"]["price_per_million_tokens"] == 2
    listed.write_text(listed.read_text().replace(", accuracy: 0.7", ", loss: 3.0"))
    results = ask("teacher", "--student", "770M", "--candidates", str(listed))
    assert [row["name"] for row in results["candidates"]] == ["right", "huge", "small"]
    assert {row["name"]: row["loss_from"] for row in results["candidates"]}["small"] == "given"


def test_budget_says_whether_to_distil_and_up_to_where() -> None:
    rich = ask("budget", "--compute", "1e25", "--student", "1B", "--scenario", "both")
    assert rich["better"] == "supervised"
    assert sum(rich["shares"].values()) == pytest.approx(1, abs=1e-5)
    poor = ask("budget", "--compute", "1e20", "--student", "10B", "--scenario", "both")
    assert poor["better"] == "distillation"
    assert poor["distilling_wins"][0]["to_compute"] > 1e20
    free = ask("budget", "--compute", "1e21", "--student", "1B", "--scenario", "best-case")
    assert free["shares"]["student_training"] == pytest.approx(1)
    assert free["teacher_params"] is None


def test_cost_adds_up(farm: Farm) -> None:
    given = {
        "task": str(farm.task),
        "data": farm.data,
        "teacher": "8B",
        "student": "tiny",
        "max_steps": 10,
        "batch_size": 4,
    }
    results = api.plan(
        "cost",
        **given,
        price_in=1.0,
        price_out=2.0,
        price_cached=0.5,
        price_per_hour=3.0,
        devices=4,
    )
    tokens = results["tokens"]
    assert results["rows"] == 64  # training rows of the 80
    read = tokens["prefix"] + tokens["questions"]
    assert results["money"] == pytest.approx(
        (read + 0.5 * tokens["cached"] + 2 * tokens["answers"]) / 1e6
    )
    assert tokens["cached"] == 63 * tokens["prefix"]
    twice = api.plan("cost", **given | {"max_steps": 20})
    assert twice["student"]["train_flops"] == pytest.approx(2 * results["student"]["train_flops"])
    for row in results["accelerators"]:
        assert row["money"] == pytest.approx(3 * (row["teacher_h"] + row["student_h"]))
    assert [m["devices"] for m in results["memory"]] == [1, 4]
    assert results["memory"][0]["total"] == pytest.approx(sum(results["memory"][0][k] for k in ("weights", "gradients")) * 1.8
                                                         + results["memory"][0]["activations"])  # fmt: skip


def test_forecast_answers_from_the_users_own_runs(tmp_path: Path) -> None:
    run = write_run(tmp_path / "run")
    results = ask("forecast", str(run), "--target", "0.77", "--samples", "40")
    (curve,) = results["curves"]
    assert curve["target"]["status"] == "forecast"
    assert (
        curve["target"]["rows"]["low"] < 5625 < curve["target"]["rows"]["high"]
    )  # 0.85 - 6 / 5625^0.5 = 0.77
    assert curve["full"]["status"] == "forecast"
    assert (
        curve["full"]["accuracy"]["low"] < 0.85 - 6 / 8000**0.5 < curve["full"]["accuracy"]["high"]
    )
    assert curve["limit_rows"] >= 8000
    assert "refused" in results["growth"][0]
    assert (
        ask("forecast", str(run), "--target", "0.6", "--samples", "20")["curves"][0]["target"][
            "status"
        ]
        == "reached"
    )


def test_forecast_refuses_to_look_further_than_the_runs_bear(tmp_path: Path) -> None:
    run = write_run(tmp_path / "run", floor=0.02, noise=0.002)
    results = ask("forecast", str(run), "--target", "0.95", "--samples", "40")
    assert results["curves"][0]["target"]["status"] == "beyond"
    assert "rows" not in results["curves"][0]["target"]
    assert "lies beyond" in results["sentence"]
    high = ask(
        "forecast", str(write_run(tmp_path / "low", floor=0.4, noise=0.002)), "--samples", "40"
    )
    assert high["curves"][0]["target"]["status"] == "above_ceiling"


def test_forecast_says_so_where_the_smaller_fractions_did_not_foretell_the_largest(
    tmp_path: Path,
) -> None:
    run = write_run(tmp_path / "run")
    manifest = json.loads((run / "manifest.json").read_text())
    for cell in manifest["results"]["cells"]:
        if cell["data_frac"] == 0.5:
            cell["accuracy"] -= 0.2
    (run / "manifest.json").write_text(json.dumps(manifest))
    results = ask("forecast", str(run), "--samples", "40")
    assert results["curves"][0]["limit_rows"] == 4000
    assert results["rests_on"][0].startswith("REFUSED to extrapolate")


def test_forecast_reads_what_compare_writes(answered_farm: Farm, tmp_path: Path) -> None:
    shared = {
        "answers": answered_farm.folder / "answered",
        "student": "tiny",
        "methods": "standard",
        "max_steps": 2,
    }
    out = tmp_path / "compared"
    api.compare(
        **shared, data_fracs="0.2,0.4,0.6,0.8,1.0", eval_every=2, max_target_tokens=8, out=out
    )
    results = api.plan("forecast", runs=[out], samples=20)
    assert [row["rows"] for row in results["curves"][0]["measured"]] == [13, 26, 38, 51, 64]
    assert results["curves"][0]["full"]["status"] == "measured"


def test_fit_recovers_the_law_that_made_the_runs(tmp_path: Path) -> None:
    table = write_table(tmp_path / "runs.csv", supervised_runs(noise=0.0))
    results = ask("fit", str(table), "--samples", "20")
    assert results["law"] == "supervised"
    assert results["fitted_error"] < 1e-4
    found = {c["name"]: c for c in results["coefficients"]}
    assert found["E"]["value"] == pytest.approx(1.22, abs=0.05)
    assert found["alpha"]["published"] == 0.408
    noisy = ask(
        "fit",
        str(write_table(tmp_path / "noisy.csv", supervised_runs(noise=0.01))),
        "--samples",
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
    results = ask("fit", str(write_table(tmp_path / "runs.csv", rows)), "--samples", "20")
    assert (results["law"], results["rows"]) == ("distillation", 36)
    assert results["supervised_from"] == "fitted to the 20 runs without a teacher"
    assert results["fitted_error"] < 0.003


def test_figures_are_written_and_pages_stand_alone(tmp_path: Path) -> None:
    for suffix, magic in ((".svg", b"<?xml"), (".png", b"\x89PNG"), (".pdf", b"%PDF")):
        ask("law", *QUESTIONS["law"], "--plot", str(tmp_path / f"figure{suffix}"))
        assert (tmp_path / f"figure{suffix}").read_bytes().startswith(magic)
    listed = tmp_path / "teachers.yaml"
    listed.write_text("- {name: '<script>alert(1)</script>', size: 2B}\n")
    page = tmp_path / "page.html"
    results = ask("teacher", "--student", "1B", "--candidates", str(listed), "--html", str(page))
    text = page.read_text()
    assert "<script" not in text
    assert "src=" not in text
    assert "&lt;script&gt;" in text
    assert text.count("<svg") == 1
    assert all(part in text for part in ("EXTRAPOLATED", "capacity gap", "rests on"))
    assert len(teacher_question.charts(results)) == 1


@pytest.mark.parametrize("question", QUESTIONS)
def test_every_question_draws_its_figure(tmp_path: Path, question: str) -> None:
    ask(question, *QUESTIONS[question], "--html", str(tmp_path / "page.html"))
    assert (tmp_path / "page.html").stat().st_size > 10_000


def test_runs_and_tables_stand_without_a_flag() -> None:
    assert STAGE.question("forecast").parse(["a", "b", "--target", "0.5"]).runs == (
        Path("a"),
        Path("b"),
    )
    assert STAGE.question("fit").parse(["runs.csv"]).table == Path("runs.csv")
    with pytest.raises(UnknownOptionError):  # no option is also positional
        STAGE.question("forecast").parse(["--runs", "a,b"])


WRONG = {
    "teacher": "--student: got nothing",
    "teacher --student 7X": "--student: got '7X'; expected a number above 0 such as 7B, 770M, 2.2e8 or 10k, or a T5 by name",
    "teacher --student=-1B": "--student: got '-1B'",
    "teacher --student 0": "--student: got '0'",
    "teacher --student 1B --student-tokens 0": "--student-tokens: got '0'; expected a number above 0",
    "teacher --student 1B --candidates none.yaml": "none.yaml",
    "teacher --student 1B --candidates bad.yaml": "bad.yaml: teacher 2: size: got 'huge'",
    "budget --compute much": "--compute: got 'much'",
    "budget --compute 1e3": "--compute: got 1000; expected 5.8e+15 to",
    "budget --compute 1e21 --scenario worst": "--scenario: got 'worst'",
    "cost --task svamp --rows 10 --teacher gpt": "--teacher: got 'gpt'",
    "cost --task svamp --teacher 7B": "--rows: got nothing",
    "cost --task svamp --rows 10 --teacher 7B --accelerators h1000": "--accelerators: got 'h1000'",
    "cost --task svamp --rows 10 --teacher 7B --student 7B": "--student: got '7B'; expected a T5 by name",
    "cost --task svamp --rows 10 --teacher 7B --utilisation 2": "--utilisation: got '2'",
    "cost --task svamp --rows 10 --teacher 7B --tokenizer none.json": "none.json: got no such file",
    "forecast nowhere": "nowhere: got no manifest.json",
    "forecast few": "RUNS: got 2 fractions at most; expected 4 or more",
    "forecast run --target 85": "--target: got '85'",
    "forecast run other": "RUNS other: got task another",
    "law --n-student 1e9 --d-student 2e10": "--teacher-loss: got 'nothing'; expected either this or --n-teacher",
    "law --n-student 1e9 --d-student 2e10 --teacher-loss 2 --n-teacher 1B": "--teacher-loss: got '2'",
    "law --n-student 1e9 --d-student 2e10 --teacher-loss 2 --plot a.gif": "--plot: got 'a.gif'",
    "fit few.csv": "fit: got 2 points; expected at least 8 for 6 coefficients",
    "fit names.csv": "names.csv:2: got no column N, only n, d, L_S",
    "fit none.csv": "none.csv",
    "fix": "dsbs plan: got question 'fix'; expected a question; did you mean 'fit'?",
}


@pytest.fixture(scope="module")
def wrong_files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wrong")
    (folder / "bad.yaml").write_text("- {size: 7B}\n- {size: huge}\n")
    (folder / "few.csv").write_text("N,D,L_S\n1e9,2e10,2.4\n2e9,2e10,2.3\n")
    (folder / "names.csv").write_text("n,d,L_S\n1e9,2e10,2.4\n")
    write_run(folder / "run")
    write_run(folder / "other", task="another")
    manifest = json.loads((write_run(folder / "few") / "manifest.json").read_text())
    manifest["results"]["cells"] = manifest["results"]["cells"][:6]
    (folder / "few" / "manifest.json").write_text(json.dumps(manifest))
    return folder


@pytest.mark.parametrize("line", WRONG)
def test_bad_input_is_told_in_one_line(
    wrong_files: Path,
    line: str,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(wrong_files)
    with pytest.raises(SystemExit) as stop:
        STAGE.main(line.split())
    told = capsys.readouterr()
    assert stop.value.code == 2
    assert told.out == ""
    assert told.err.startswith("error: ")
    assert told.err.count("\n") == 1
    assert WRONG[line] in told.err


def test_the_command_line_prints_one_object_with_json(cli: Cli) -> None:
    done = cli("plan", "law", *QUESTIONS["law"], "--json")
    assert json.loads(done.stdout)["in_range"] is True
    with pytest.raises(InputError, match="expected a question"):
        api.plan("price")
