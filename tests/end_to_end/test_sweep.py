"""The README's short comparison over two teachers and three alphas, on a farm."""

import json
import re
import shlex
from pathlib import Path

import pytest

from dsbs import api
from dsbs.artifacts.results.compare import CompareResult
from dsbs.compare import STAGE as COMPARE
from dsbs.data.load import extra_examples
from dsbs.reporting.load_runs import collect
from dsbs.reporting.teacher_figures import teacher_figures
from dsbs.tasks.prompts import load_task
from support.command import Cli
from support.farm import FARM, Farm
from support.places import ROOT

TINY = "--batch-size 8 --eval-every 3 --max-target-tokens 24"


@pytest.fixture(scope="module")
def swept(tmp_path_factory: pytest.TempPathFactory, cli: Cli) -> Path:
    """The comparison, in the folder `c` beside the runs of both teachers."""
    farm = Farm(tmp_path_factory.mktemp("swept"))
    splits = {"splits": ["train", "validation", "test"]}
    farm.generate(out=farm.folder / "palm-540B", **splits)
    text = farm.answers.read_text().replace("So it is a bird", "So it is a mammal")
    farm.answers.write_text(text)
    farm.generate(out=farm.folder / "neox-20B", **splits)
    (command,) = re.findall(
        r"^python -m dsbs\.(compare --answers \S+,\S+ (?:.*\\\n)*.*)$",
        (ROOT / "README.md").read_text(),
        re.MULTILINE,
    )
    words = shlex.split(command.replace("\\\n", " "))
    given = {"--answers": "palm-540B,neox-20B", "--out": "c", "--max-steps": "3"}
    words = [given.get(words[at - 1], word) for at, word in enumerate(words)]
    done = cli(*words, *shlex.split(TINY), "--json", cwd=farm.folder)
    assert done.returncode == 0, done.stderr
    return farm.folder / "c"


def results_of(folder: Path) -> CompareResult:
    manifest = json.loads((folder / "manifest.json").read_text())
    return CompareResult.model_validate(manifest["results"])


def test_every_cell_is_trained_with_its_own_teacher_and_alpha(swept: Path) -> None:
    results = results_of(swept)
    students = [cell for cell in results.cells if not cell.is_baseline]
    found = [(cell.method, cell.teacher, cell.alpha) for cell in students]
    assert found == [
        ("standard", None, None),
        *(
            ("step_by_step", teacher, alpha)
            for teacher in ("palm-540B", "neox-20B")
            for alpha in (0.3, 0.5, 0.7)
        ),
    ]
    assert {cell.status for cell in results.cells} == {"done"}
    for cell in students[1:]:
        trained = json.loads((swept / "cells" / cell.name / "manifest.json").read_text())
        assert trained["config"]["alpha"] == cell.alpha
        assert [Path(place).name for place in trained["config"]["answers"]] == [cell.teacher]
        assert cell.teacher_accuracy == (1.0 if cell.teacher == "palm-540B" else 0.625)
    claims = [claim for claim in results.claims if not claim.against.is_baseline]
    assert {(c.axis, c.value, c.against_value) for c in claims} == {
        ("method", "step_by_step", "standard"),
        ("teacher", "neox-20B", "palm-540B"),
        ("alpha", 0.5, 0.3),
        ("alpha", 0.7, 0.3),
    }


def test_each_teacher_has_a_row_with_its_interval(swept: Path) -> None:
    results = results_of(swept)
    rows = {teacher.name: teacher for teacher in results.teachers}
    assert {name: row.score and row.score.share for name, row in rows.items()} == {
        "palm-540B": 1.0,
        "neox-20B": 0.625,
    }
    assert rows["palm-540B"].score is not None
    assert rows["palm-540B"].score.ci95_examples is not None
    assert (rows["palm-540B"].parameters, rows["palm-540B"].method) == (540e9, "few-shot CoT")
    shown = str(COMPARE.show(results))
    for words in ("few-shot CoT", "teacher neox-20B against teacher palm-540B", "alpha 0.7"):
        assert words in shown


def test_students_are_drawn_against_quality_and_size_of_their_teacher(swept: Path) -> None:
    (comparison,) = collect([swept]).comparisons
    quality, size = teacher_figures(comparison)
    assert [list(series.x) for series in quality.series] == [[62.5, 100.0]] * 3
    assert [list(series.x) for series in size.series] == [[20e9, 540e9]] * 3
    assert len({series.name for series in quality.series}) == 3
    report = api.report(runs=[swept], out=swept.parent / "report")
    page = Path(report["page"]).read_text()
    assert "few-shot CoT" in page
    names = {path.stem for path in (swept.parent / "report" / "figures").glob("*.svg")}
    assert {quality.name, size.name} <= names


def test_students_with_and_without_extra_data_are_compared(tmp_path: Path) -> None:
    """As SVAMP with and without ASDiv: rows of another task, which the teacher has labeled."""
    farm = Farm(tmp_path)
    other = tmp_path / "birds.yaml"
    other.write_text(FARM.replace("name: farm", "name: birds"))
    rows = tmp_path / "more.csv"
    rows.write_text("animal,sound,kind\n" + "".join(f"wren,says {n},bird\n" for n in range(4)))
    named = f"{other}={rows}"
    more = extra_examples(load_task(str(farm.task)), [named])
    with farm.answers.open("a") as file:
        for example in more:
            file.write(json.dumps({"id": example.id, "text": "It flies. So it is a bird."}) + "\n")
    farm.generate(extra_unlabeled=[named])
    found = api.compare(
        answers=farm.folder / "answered",
        extra_unlabeled=["none", named],
        labels="gold,teacher",
        methods="standard",
        max_steps=2,
        batch_size=4,
        baselines="majority",
        out=tmp_path / "c",
    )
    cells = [(c["labels"], c["extra"], c["n_train"]) for c in found["cells"]]
    assert cells[:3] == cells[3:]  # a baseline learns from the same rows
    assert cells[:3] == [
        ("gold", None, 64),
        ("teacher", "none", 64),
        ("teacher", "birds", 68),
    ]
    claim, *_ = found["claims"]
    assert (claim["axis"], claim["value"], claim["against_value"]) == ("extra", "birds", "none")


def test_it_goes_on_where_it_stopped(swept: Path, cli: Cli) -> None:
    """Another comparison of one of the cells does not train it again."""
    manifest = json.loads((swept / "manifest.json").read_text())
    done = cli("compare", *manifest["command"][1:], cwd=swept.parent)
    assert done.returncode == 0
    assert "done already" in done.stderr
