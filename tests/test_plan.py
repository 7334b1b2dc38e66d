"""`dsbs plan` as users ask it: every question's answer, what it rests on, figures, and bad input in
one line.
"""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from cyclopts import UnknownOptionError

from dsbs import api
from dsbs.cli.stage import plain
from dsbs.core.errors import InputError
from dsbs.plan import QUESTIONS as ALL_QUESTIONS
from dsbs.plan import STAGE
from support.command import Cli
from support.planner import QUESTIONS, ask, write_run


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
    asked = next(one for one in ALL_QUESTIONS if one.name == question)
    plan = asked.run(asked.stage().parse(QUESTIONS[question]))
    values = plain(plan)
    assert json.loads(json.dumps(values, allow_nan=False)) == values
    assert type(plan).model_validate(values) == plan
    text = asked.show(plan)
    assert plan.sentence in text
    assert plan.sentence.count("\n") == 0
    for found in asked.tables(plan):
        assert all(len(row) == len(found.columns) for row in found.rows)
    figures = asked.figures(plan)
    assert len({figure.name for figure in figures}) == len(figures)


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
    assert all(part in text for part in ("EXTRAPOLATED", "capacity gap", "rests on", "<td "))
    assert results["candidates"][0]["name"] == "<script>alert(1)</script>"


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
    "teacher --student 7X": "--student: got '7X'; expected a number above 0 such as 7B, 770M, 2.2e8 or 10k, or a student by name; T5 are: t5-small",
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
    "cost --task svamp --rows 10 --teacher 7B --student 7B": "--student: got '7B'; expected a T5, Gemma 3, Qwen 3 or SmolLM by name",
    "cost --task svamp --rows 10 --teacher 7B --utilization 2": "--utilization: got '2'",
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
