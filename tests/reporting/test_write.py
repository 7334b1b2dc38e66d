"""The report: complete, the same in its three forms, and fast for large ones."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from dsbs.core.errors import InputError
from dsbs.reporting import write
from dsbs.reporting.comparison_tables import comparison_tables
from dsbs.reporting.load_runs import collect, numbered
from dsbs.reporting.write import write_report
from support.command import Cli
from support.csv_rows import rows_of
from support.farm import Farm
from support.made_runs import LargeReport, World


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
    assert found.figures == len(figures_of(out))
    return out


def figures_of(out: Path) -> dict[str, Any]:
    """What the page draws, by name."""
    page = (out / "report.html").read_text(encoding="utf-8")
    return dict(json.loads(re.search(r'id="figures">(.*?)</script>', page, re.DOTALL)[1]))  # type: ignore[index]


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


def test_teacher_quality_is_counted_as_in_the_answers(cqa_palm: Path, tmp_path: Path) -> None:
    """Of PaLM's answers to the training questions 443 labels are not literally among the choices;
    folding reads 125.
    """
    write_report([cqa_palm], tmp_path)
    train, test = rows_of(next((tmp_path / "tables").glob("teacher-*.csv")))
    inexact = sum(int(train[how]) for how in ("read by folding", "read by letter", "not readable"))
    assert (inexact, int(train["read by folding"])) == (443, 125)
    assert float(test["accuracy"]) == pytest.approx(959 / 1221, abs=1e-4)
    assert "labels are not literally among the allowed ones" in (
        tmp_path / "report.html"
    ).read_text(encoding="utf-8")


def small_world(folder: Path) -> World:
    folder.mkdir()
    return World(folder, examples=30, students=("google/t5-v1_1-base",), fractions=(1.0,), seeds=1)


def test_folders_that_moved_together_are_reported_all_the_same(tmp_path: Path) -> None:
    world = small_world(tmp_path / "here")
    before = write_report([world.compare(world.answers())], tmp_path / "before")
    world.folder.rename(tmp_path / "elsewhere")
    after = write_report([tmp_path / "elsewhere" / "compare"], tmp_path / "after")
    assert (after.figures, after.tables, after.examples) == (
        before.figures,
        before.tables,
        before.examples,
    )
    page = (tmp_path / "after" / "report.html").read_text(encoding="utf-8")
    assert "Their texts were not found" not in page
    assert f"generate: {tmp_path}/elsewhere/" in page


def test_broken_folders_below_a_comparison_cost_only_what_they_held(tmp_path: Path) -> None:
    world = small_world(tmp_path / "world")
    compared = world.compare(world.answers())
    whole = write_report([compared], tmp_path / "whole")
    first = sorted((compared / "cells").iterdir())[0]
    (first / "manifest.json").write_text("{")
    (world.folder / "answers" / "manifest.json").write_text('{"stage": "bake"}')
    found = write_report([compared], tmp_path / "out")
    students = rows_of(tmp_path / "out" / "tables" / "cells-cqa.csv")
    assert [bool(row["device hours"]) for row in students] == [False, True]
    assert all(row["accuracy"] for row in students)
    assert found.examples == whole.examples


def test_a_report_that_cannot_be_written_leaves_the_old_one_whole(
    compared: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def contents() -> dict[Path, bytes]:
        return {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}

    write_report([compared], tmp_path, title="the old one")
    before = contents()

    def full(tables: object, folder: Path) -> None:
        folder.mkdir()
        (folder / "groups-cqa.csv").write_text("half")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(write, "save_tables", full)
    with pytest.raises(OSError, match="No space left"):
        write_report([compared], tmp_path, title="the new one")
    assert contents() == before


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


@pytest.mark.slow
def test_a_large_report_is_made_quickly_and_stays_small(large_report: LargeReport) -> None:
    """50 students and 10,000 questions. Processor time, for on a busy machine the clock says little
    of the work.
    """
    assert large_report.cpu_s < 20
    assert large_report.results.bytes < 15e6
    assert large_report.results.examples == 10_000
