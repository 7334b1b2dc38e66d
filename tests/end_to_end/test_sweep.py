"""The README's short comparison over two teachers and three alphas, on a farm."""

import json
import re
import shlex
from pathlib import Path

import pytest

from dsbs import api
from dsbs.artifacts.results.compare import CompareResult
from dsbs.compare import STAGE as COMPARE
from dsbs.reporting.load_runs import collect
from dsbs.reporting.teacher_figures import teacher_figures
from support.command import Cli
from support.farm import Farm
from support.places import ROOT

TINY = "--max-steps 3 --batch-size 8 --eval-every 3 --max-target-tokens 24"


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
    given = {"--answers": "palm-540B,neox-20B", "--out": "c"}
    words = [given.get(words[at - 1], word) for at, word in enumerate(words)]
    done = cli(*words, *shlex.split(TINY), "--json", cwd=farm.folder)
    assert done.returncode == 0, done.stderr
    return farm.folder / "c"


def results_of(folder: Path) -> CompareResult:
    manifest = json.loads((folder / "manifest.json").read_text())
    return CompareResult.model_validate(manifest["results"])


def test_every_cell_is_trained_with_its_own_teacher_and_alpha(swept: Path) -> None:
    results = results_of(swept)
    found = [(cell.method, cell.teacher, cell.alpha) for cell in results.cells]
    assert found == [
        ("standard", None, None),
        *(
            ("step_by_step", teacher, alpha)
            for teacher in ("palm-540B", "neox-20B")
            for alpha in (0.3, 0.5, 0.7)
        ),
    ]
    assert {cell.status for cell in results.cells} == {"done"}
    for cell in results.cells[1:]:
        trained = json.loads((swept / "cells" / cell.name / "manifest.json").read_text())
        assert trained["config"]["alpha"] == cell.alpha
        assert [Path(place).name for place in trained["config"]["answers"]] == [cell.teacher]
        assert cell.teacher_accuracy == (1.0 if cell.teacher == "palm-540B" else 0.5)
    assert {(c.axis, c.value, c.against_value) for c in results.claims} == {
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
        "neox-20B": 0.5,
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
    assert [list(series.x) for series in quality.series] == [[50.0, 100.0]] * 3
    assert [list(series.x) for series in size.series] == [[20e9, 540e9]] * 3
    assert len({series.name for series in quality.series}) == 3
    report = api.report(runs=[swept], out=swept.parent / "report")
    page = Path(report["page"]).read_text()
    assert "few-shot CoT" in page
    names = {path.stem for path in (swept.parent / "report" / "figures").glob("*.svg")}
    assert {quality.name, size.name} <= names


def test_it_goes_on_where_it_stopped(swept: Path, cli: Cli) -> None:
    """Another comparison of one of the cells does not train it again."""
    manifest = json.loads((swept / "manifest.json").read_text())
    done = cli(*manifest["command"][1:], cwd=swept.parent)
    assert done.returncode == 0
    assert "done already" in done.stderr
