"""The report: written by the stage from real runs, complete, the same in its three forms, and fast for large ones."""

import csv
import json
import re
from pathlib import Path
from typing import Any

import pytest
from conftest import Cli, Farm, LargeReport
from made_runs import World

from dsbs import api
from dsbs.core.errors import InputError
from dsbs.plots.figure import Figure, Series
from dsbs.plots.table import Share, Table
from dsbs.reporting.comparison_tables import comparison_tables
from dsbs.reporting.load_runs import collect, numbered
from dsbs.reporting.paper_numbers import published as known_numbers
from dsbs.reporting.write import write_report


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    students = ("google/t5-v1_1-base",)
    return World(
        tmp_path_factory.mktemp("world"),
        examples=120,
        students=students,
        fractions=(0.5, 1.0),
        seeds=3,
    )


@pytest.fixture(scope="module")
def compared(world: World) -> Path:
    return world.compare(world.answers())


@pytest.fixture(scope="module")
def written(compared: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a report about it, with all that can be asked for."""
    out = tmp_path_factory.mktemp("written")
    found = write_report([compared], out, compare_to_paper=True, price_per_hour=2.5)
    assert found["figures"] == len(figures_of(out))
    return out


def figures_of(out: Path) -> dict[str, Any]:
    """What the page draws, by name."""
    page = (out / "report.html").read_text(encoding="utf-8")
    return dict(json.loads(re.search(r'id="figures">(.*?)</script>', page, re.DOTALL)[1]))  # type: ignore[index]


def rows_of(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_the_chain_from_answers_to_the_report(
    answered_farm: Farm, tmp_path: Path, cli: Cli
) -> None:
    """generate, compare, report and runs as a user calls them; the table of the report is that of the comparison."""
    compare, out = tmp_path / "compare", tmp_path / "page"
    arguments = [
        "--max-steps",
        "2",
        "--batch-size",
        "8",
        "--max-target-tokens",
        "24",
        "--out",
        compare,
        "--json",
    ]
    results = json.loads(
        cli("compare", "--answers", answered_farm.folder / "answered", *arguments).stdout
    )
    done = cli("report", compare, "--out", out)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith(f"{out}/report.html: ")
    page = (out / "report.html").read_text(encoding="utf-8")
    assert "2 students were trained for the task farm and asked the same 8 test questions." in page
    assert "no claim about the methods from 1 seed; it takes 3" in page
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


def test_every_figure_and_table_of_the_page_is_a_file_too(written: Path) -> None:
    figures = figures_of(written)
    assert {path.name for path in (written / "figures").iterdir()} == {
        f"{n}.{kind}" for n in figures for kind in ("svg", "png")
    }
    accuracy = {
        "data-cqa-google-t5-v1-1-base-gold",
        "size-cqa",
        "flops-cqa",
        "hours-cqa",
        "money-cqa",
    }
    assert {f"accuracy-by-{name}" for name in accuracy} | {
        "outcomes-palm-540b-on-cqa"
    } <= figures.keys()
    page = (written / "report.html").read_text(encoding="utf-8")
    tables = set(re.findall(r"tables/([\w-]+)\.csv", page))
    assert {path.stem for path in (written / "tables").iterdir()} == tables
    assert {
        "groups-cqa",
        "claims-cqa",
        "checkpoints-cqa",
        "data-needed-cqa",
        "teacher-palm-540b-on-cqa",
    } <= tables


def test_figures_show_the_numbers_of_the_tables(written: Path) -> None:
    drawn = figures_of(written)["accuracy-by-data-cqa-google-t5-v1-1-base-gold"]
    for trace in drawn["data"]:
        same = [
            row
            for row in rows_of(written / "tables" / "groups-cqa.csv")
            if row["method"] == trace["name"]
        ]
        assert trace["x"] == [100 * float(row["fraction"]) for row in same]
        assert trace["y"] == pytest.approx([100 * float(row["accuracy"]) for row in same])
        up = [100 * (float(row["ci95_seeds high"]) - float(row["accuracy"])) for row in same]
        assert trace["error_y"]["array"] == pytest.approx(up)
    assert drawn["layout"]["annotations"][0]["text"] == "teacher 75.0"


def test_own_numbers_stand_beside_the_papers_with_their_source(written: Path) -> None:
    rows = rows_of(written / "tables" / "published-cqa.csv")
    groups = rows_of(written / "tables" / "groups-cqa.csv")
    own = {(row["method"], float(row["fraction"])): float(row["accuracy"]) for row in groups}
    whole = [
        row
        for row in rows
        if row["method"] == "step_by_step" and row["labels"] == "gold" and row["fraction"] == "1.0"
    ]
    assert 63.29 in [round(100 * float(row["published"]), 2) for row in whole]
    assert all(float(row["own accuracy"]) == own["step_by_step", 1.0] for row in whole)
    assert all(row["source"] for row in rows)
    # Where nothing of the kind was trained, nothing is claimed.
    assert {row["own accuracy"] for row in rows if row["fraction"] == "0.75"} == {""}


def test_published_numbers_are_shares_of_known_sources() -> None:
    students, file = known_numbers()
    assert {entry.source for entry in students} | {t["source"] for t in file["teachers"]} == set(
        file["sources"]
    )
    assert all(20 < entry.accuracy < 100 for entry in students)


def test_teacher_quality_is_counted_as_in_the_answers(cqa_palm: Path, tmp_path: Path) -> None:
    """Of PaLM's answers to the training questions 448 labels are not literally among the choices; folding rescues 124."""
    write_report([cqa_palm], tmp_path)
    train, test = rows_of(next((tmp_path / "tables").glob("teacher-*.csv")))
    inexact = sum(int(train[how]) for how in ("read by folding", "read by letter", "not readable"))
    assert (inexact, int(train["read by folding"])) == (448, 124)
    assert float(test["accuracy"]) == pytest.approx(969 / 1221, abs=1e-4)
    assert "labels are not literally among the allowed ones" in (
        tmp_path / "report.html"
    ).read_text(encoding="utf-8")


def test_two_comparisons_of_one_task_keep_apart(compared: Path) -> None:
    assert numbered(["a", "b", "a", "a"]) == ["a", "b", "a 2", "a 3"]
    tables = [
        table.name
        for c in collect([compared, compared]).comparisons
        for table in comparison_tables(c)
    ]
    assert len(set(tables)) == len(tables)


def test_bad_input_is_one_line(
    answered_farm: Farm, compared: Path, tmp_path: Path, cli: Cli
) -> None:
    nothing = cli("report", cwd=tmp_path)
    assert nothing.returncode == 2
    assert nothing.stderr == (
        "error: RUNS: got nothing; expected a finished comparison below ./runs; run dsbs compare first, or name run folders\n"
    )
    for run, message in (
        (tmp_path, "got no manifest.json"),
        (answered_farm.folder / "nowhere", "expected a run folder of dsbs"),
    ):
        with pytest.raises(InputError, match=message):
            write_report([run], tmp_path / "page")
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match=r"--out .*: got a file"):
        write_report([compared], tmp_path / "file")


def test_a_table_is_the_same_for_people_spreadsheets_and_papers() -> None:
    table = Table(
        "t",
        "T",
        ["who & what", "share", "from"],
        [["a_b 50 %", Share(0.5), (0.25, 0.75)], ["c", None, None]],
    )
    assert table.shown == [["a_b 50 %", "50.0 %", "25.0 to 75.0 %"], ["c", "–", "–"]]
    assert table.flat() == [
        ["who & what", "share", "from low", "from high"],
        ["a_b 50 %", 0.5, 0.25, 0.75],
        ["c"] + [None] * 3,
    ]
    assert r"who \& what & share & from \\" in table.latex()
    assert r"a\_b 50 \% & 50.0 \% & 25.0 to 75.0 \% \\" in table.latex()


@pytest.mark.parametrize(("values", "names"), [
    ((77e6, 783e6), ["10⁸", "2·10⁸", "5·10⁸", "10⁹"]), ((0.2, 3), ["0.2", "0.5", "1", "2"]),
    ((1e12, 1e17), ["10¹²", "10¹³", "10¹⁴", "10¹⁵", "10¹⁶", "10¹⁷"]), ((4000, 4000), ["5,000"])])  # fmt: skip
def test_ticks_of_a_logarithmic_axis_are_few_and_round(
    values: tuple[float, float], names: list[str]
) -> None:
    figure = Figure("f", "F", "x", "y", [Series("s", values, (1, 2))], log_x=True)
    assert [name for _, name in figure.log_ticks] == names


@pytest.mark.slow
def test_a_large_report_is_made_quickly_and_stays_small(large_report: LargeReport) -> None:
    """50 students and 10,000 questions. Processor time, for on a busy machine the clock says little of the work."""
    assert large_report.cpu_s < 20
    assert large_report.results["bytes"] < 15e6
    assert large_report.results["examples"] == 10_000
