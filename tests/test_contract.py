"""`dsbs contract`: which rows it rests on, what it leaves, and who takes it."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from dsbs import api
from dsbs.contracts.contract import CONTRACT, Contract
from dsbs.core.errors import InputError
from support.command import Cli
from support.signals import Signals

EASY = {"agree": 0.4, "confidence": 0.9}
"""A promise that a student which guesses keeps."""


@pytest.fixture(scope="module")
def signals(tmp_path_factory: pytest.TempPathFactory) -> Signals:
    made = Signals(tmp_path_factory.mktemp("signals"), rows=400)
    made.generate(made.data, made.folder / "answered")
    made.train("half", data_frac=0.5)
    made.train("held", calibration_frac=0.4)
    made.train("all")
    return made


@pytest.fixture(scope="module")
def made(signals: Signals) -> dict[str, Any]:
    """The contract of the student of half the rows."""
    out = signals.folder / "contract"
    return api.contract(run=signals.folder / "half", out=out, teacher_cost=2.0, **EASY)


def test_rows_outside_the_fraction_are_calibrated_on(made: dict[str, Any]) -> None:
    assert made["rows"]["source"] == "unused training rows"
    assert made["n"] == made["rows"]["found"] == 160
    assert made["holds"]
    assert made["share_local"] > 0.5
    assert made["disagreement_bound"] <= 0.6
    assert set(made["per_class"]) == {"stop", "go"}
    assert sum(terms["n"] for terms in made["per_class"].values()) == made["n"]
    assert made["money"]["saved"] == pytest.approx(2.0 * made["share_local"])
    assert Contract.load(Path(made["out"])).threshold == made["threshold"]


def test_held_rows_are_learned_by_nobody_and_calibrated_on(signals: Signals) -> None:
    trained = json.loads((signals.folder / "held" / "manifest.json").read_text())["results"]
    found = api.contract(run=signals.folder / "held", out=signals.folder / "c-held", **EASY)
    assert trained["n_rows"] == 192
    assert (found["rows"]["source"], found["n"]) == ("calibration split", 128)


def test_a_student_of_all_rows_needs_others(signals: Signals, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="--calibration-frac"):
        api.contract(run=signals.folder / "all", out=tmp_path / "c")


def test_no_contract_is_an_answer(signals: Signals, tmp_path: Path, cli: Cli) -> None:
    asked = ("contract", "--run", signals.folder / "half", "--agree", 0.99, "--out", tmp_path / "c")
    told = cli(*asked)
    assert told.returncode == 0
    assert "No contract possible with these 160 rows" in told.stdout
    found = json.loads(cli(*asked, "--json").stdout)
    assert (found["holds"], found["threshold"], found["share_local"]) == (False, None, 0)
    assert found["disagreement_bound"] is None
    assert found["rows_needed"] is None or found["rows_needed"] >= 299


def test_a_file_brings_its_own_rows_and_answers(signals: Signals, tmp_path: Path) -> None:
    known = [json.loads(line) for line in signals.data.read_text().splitlines()[:10]]
    fresh = signals.made(60, seed=1)
    calls = tmp_path / "calls.jsonl"
    signals.write(calls, [*known, *fresh, *fresh[:5]])
    signals.generate(calls, signals.folder / "calls", leave_out=20)
    run = signals.folder / "all"
    answers = signals.folder / "calls"
    found = api.contract(run=run, rows=calls, answers=answers, out=tmp_path / "c", **EASY)
    origin = found["rows"]
    assert (origin["source"], origin["found"]) == ("file", 75)
    assert origin["near_duplicates"] == 10
    assert origin["same_group"] == 5
    assert found["n"] == 60
    assert 0 < origin["unlabeled"] <= 20
    gold = api.contract(run=run, rows=calls, with_="gold", out=tmp_path / "g", **EASY)
    assert gold["rows"]["unlabeled"] == 0
    with pytest.raises(InputError, match="dsbs generate --data"):
        api.contract(run=run, rows=calls, out=tmp_path / "d", **EASY)


def test_each_class_has_its_own_threshold_on_request(signals: Signals, tmp_path: Path) -> None:
    found = api.contract(
        run=signals.folder / "half", out=tmp_path / "c", per_class=True, with_="gold", **EASY
    )
    assert found["threshold"] is None
    assert all(
        terms["holds"] == (terms["threshold"] is not None) for terms in found["per_class"].values()
    )


def test_the_cascade_is_measured(signals: Signals, made: dict[str, Any]) -> None:
    found = api.evaluate(run=signals.folder / "half", contract=made["out"])
    student, cascade, teacher = found["cascade"]
    assert [row["who"] for row in (student, cascade, teacher)] == ["student", "cascade", "teacher"]
    assert student["accuracy"]["correct"] == found["correct"]
    assert teacher["accuracy"]["accuracy"] == 1
    local = cascade["share_local"]
    assert 0 < local <= 1
    assert cascade["accuracy"]["correct"] >= student["accuracy"]["correct"]
    assert cascade["cost_per_1000"] == pytest.approx(2.0 * (1 - local))


def test_rows_that_are_left_are_marked(
    signals: Signals, made: dict[str, Any], tmp_path: Path
) -> None:
    signals.write(tmp_path / "new.jsonl", signals.made(30, seed=2))
    rows = {"run": signals.folder / "half", "input": str(tmp_path / "new.jsonl")}
    plain = api.predict(**rows)
    found = api.predict(**rows, contract=made["out"])
    for before, line in zip(plain, found, strict=True):
        assert line["local"] == (line["score"] >= made["threshold"])
        assert line["student_label"] == before["label"]
        assert line["label"] == (before["label"] if line["local"] else None)
    assert {"local", "score"}.isdisjoint(plain[0])


def test_published_answers_are_nobody_to_ask(
    signals: Signals, made: dict[str, Any], tmp_path: Path
) -> None:
    contract = Contract.load(Path(made["out"])).model_copy(update={"threshold": 2.0})
    contract.save(tmp_path / CONTRACT)
    signals.write(tmp_path / "new.jsonl", signals.made(3, seed=3))
    with pytest.raises(InputError, match="answers that were published"):
        api.predict(
            run=signals.folder / "half",
            input=str(tmp_path / "new.jsonl"),
            contract=tmp_path / CONTRACT,
            ask_teacher=signals.folder / "answered",
        )


def test_another_student_is_refused(signals: Signals, made: dict[str, Any]) -> None:
    with pytest.raises(InputError, match=r"other weights.*dsbs contract --run"):
        api.evaluate(run=signals.folder / "held", contract=made["out"])


def test_a_copy_is_the_same_student(signals: Signals, made: dict[str, Any], tmp_path: Path) -> None:
    shutil.copytree(signals.folder / "half" / "best", tmp_path / "copy")
    signals.write(tmp_path / "new.jsonl", signals.made(2, seed=2))
    new = str(tmp_path / "new.jsonl")
    assert api.predict(run=tmp_path / "copy", input=new, contract=made["out"])


def test_the_report_shows_the_cascade(
    signals: Signals, made: dict[str, Any], tmp_path: Path
) -> None:
    api.evaluate(run=signals.folder / "half", contract=made["out"])
    api.report(runs=signals.folder / "half", out=tmp_path / "report")
    lines = (tmp_path / "report" / "tables" / "signals-cascade.csv").read_text().splitlines()
    assert [line.split(",")[1] for line in lines[1:]] == ["student", "cascade", "teacher"]
