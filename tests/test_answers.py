"""`dsbs answers`: what is in a store can be counted, listed, exported and read again, without data
or teacher.
"""

import json
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from dsbs import api
from dsbs.core.errors import InputError
from support.command import Cli
from support.farm import Farm


def test_the_store_is_looked_into_from_the_command_line(
    farm: Farm, cli: Cli, tmp_path: Path
) -> None:
    farm.answers.write_text("".join(farm.answers.read_text().splitlines(keepends=True)[:-2]))
    results = farm.generate(splits="train,validation,test")
    store = farm.folder / "answered" / "answers.sqlite"
    count = json.loads(cli("answers", "count", "--store", store, "--json").stdout)
    assert [(t["teacher"], t["answers"], t["failed"]) for t in count["teachers"]] == [
        ("answers.jsonl", 78, 2)
    ]
    failed = json.loads(cli("answers", "list", "--store", store, "--failed", "--json").stdout)[
        "answers"
    ]
    assert {row["error"] for row in failed} == {"the published answers have no such id"}
    assert len(failed) == 2
    listed = cli("answers", "list", "--store", store, "--limit", "3").stdout
    assert listed.count("It has feathers.") + listed.count("It has fur.") == 3

    for name in ("a.parquet", "a.jsonl"):
        exported = json.loads(
            cli("answers", "export", "--store", store, "--out", tmp_path / name, "--json").stdout
        )
        assert exported["rows"] == 78
    lines = [json.loads(line) for line in (tmp_path / "a.jsonl").read_text().splitlines()]
    assert pq.read_table(tmp_path / "a.parquet").to_pylist() == lines
    again = farm.generate(
        answers_from=tmp_path / "a.jsonl", out=tmp_path / "again", splits="train,validation,test"
    )
    assert again["splits"]["train"]["outcomes"] == results["splits"]["train"]["outcomes"]

    read = json.loads(cli("answers", "reparse", "--store", store, "--json").stdout)["runs"]
    ((_, found),) = read.items()
    assert found["splits"] == results["splits"]
    farm.task.write_text(
        farm.task.read_text()
        .replace("labels: [bird, mammal]", "labels: [bird, mammal, beast]")
        .replace("marker: So it is a", "marker: So it")
    )
    farm.task.write_text(farm.task.read_text().replace("So it is a {{", "So it {{"))
    changed = api.answers("reparse", store=store, task=str(farm.task))["runs"]
    ((_, found),) = changed.items()
    assert found["splits"]["train"]["outcomes"].get("ok", 0) == 0


def test_questions_to_no_store_are_told_in_one_line(tmp_path: Path, cli: Cli, farm: Farm) -> None:
    done = cli("answers", "count", "--store", tmp_path / "none.sqlite")
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1
    done = cli("answers", "cuont", "--store", "x")
    assert (
        done.stderr
        == "error: dsbs answers: got question 'cuont'; expected a question; did you mean 'count'?\n"
    )
    (tmp_path / "text.sqlite").write_text("no database " * 100)
    with pytest.raises(InputError, match="expected an answer store"):
        api.answers("count", store=tmp_path / "text.sqlite")
    farm.generate()
    store = farm.folder / "answered" / "answers.sqlite"
    with pytest.raises(InputError, match="--run"):
        api.answers("list", store=store, run="elsewhere")
    with pytest.raises(InputError, match=r"\.parquet or \.jsonl"):
        api.answers("export", store=store, out=tmp_path / "a.csv")


@pytest.mark.parametrize("question", ["count", "list", "reparse"])
def test_a_store_of_a_newer_version_is_refused_and_left_alone(farm: Farm, question: str) -> None:
    import sqlite3

    farm.generate()
    path = farm.folder / "answered" / "answers.sqlite"
    db = sqlite3.connect(path)
    db.execute("UPDATE meta SET value = '2' WHERE name = 'version'")
    db.commit()
    with pytest.raises(InputError, match="store version 2; expected at most 1; update dsbs"):
        api.answers(question, store=path)
    assert db.execute("SELECT count(*) FROM completions").fetchone() == (80,)


def test_a_run_that_has_moved_is_still_found(farm: Farm, cli: Cli, tmp_path: Path) -> None:
    farm.generate()
    moved = tmp_path / "elsewhere" / "moved"
    moved.parent.mkdir()
    (farm.folder / "answered").rename(moved)
    store = moved / "answers.sqlite"
    count = json.loads(cli("answers", "count", "--store", store, "--json").stdout)
    assert count["runs"] == [str(moved)]
    reparse = ["reparse", "--store", store, "--run", moved, "--json"]
    done = cli("answers", *reparse, cwd=tmp_path)
    assert not done.stderr
    found = json.loads(done.stdout)
    assert found["runs"][str(moved)]["splits"]["train"]["outcomes"] == {"ok": 64}
    again = farm.generate(out=moved)
    assert (again["new"], again["reused"]) == (0, 80)
    assert len(api.answers("count", store=store)["runs"]) == 1


def test_an_export_that_is_cut_short_leaves_the_file_that_was_there(
    farm: Farm, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from dsbs.artifacts import store_queries

    farm.generate()
    store = farm.folder / "answered" / "answers.sqlite"
    for name in ("a.jsonl", "a.parquet"):
        api.answers("export", store=store, out=tmp_path / name)
    before = {path.name: path.read_bytes() for path in tmp_path.glob("a.*")}

    def broken(*unused: object) -> None:
        raise RuntimeError("cut short")

    monkeypatch.setattr(store_queries, "_check", broken)
    for name in ("a.jsonl", "a.parquet"):
        with pytest.raises(RuntimeError, match="cut short"):
            api.answers("export", store=store, out=tmp_path / name)
    assert {path.name: path.read_bytes() for path in tmp_path.glob("*a.*")} == before
