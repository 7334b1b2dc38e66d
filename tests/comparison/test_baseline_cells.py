"""Baselines through `dsbs compare`: on the rows of students, and never in their way."""

import json
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("torch")
pytest.importorskip("sklearn")

from dsbs import api
from dsbs.artifacts.predictions import read_predictions
from dsbs.artifacts.results.compare import CompareResult
from dsbs.compare import STAGE as COMPARE
from dsbs.core.errors import InputError
from support.command import Cli
from support.farm import Farm


def measured(farm: Farm, out: Path, **settings: Any) -> dict[str, Any]:
    found: dict[str, Any] = api.compare(
        answers=farm.folder / "answered", out=out, **{"baselines_only": True} | settings
    )
    return found


def test_baselines_stand_among_the_cells_on_the_rows_of_students(
    answered_farm: Farm, tmp_path: Path, cli: Cli
) -> None:
    out = tmp_path / "c"
    grid = ["--data-fracs", "0.5,1.0", "--seeds", "0,1,2", "--methods", "standard"]
    few = ["--max-steps", "2", "--batch-size", "8", "--max-target-tokens", "8"]
    answers = answered_farm.folder / "answered"
    done = cli("compare", "--answers", answers, *grid, *few, "--out", out, "--json")
    assert done.returncode == 0, done.stderr
    results = json.loads(done.stdout)
    rows: dict[str, set[tuple[float, int, int]]] = {}
    for cell in results["cells"]:
        assert cell["status"] == "done"
        rows.setdefault(cell["method"], set()).add(
            (cell["data_frac"], cell["seed"], cell["n_train"])
        )
    assert rows.keys() == {"standard", "baseline:majority", "baseline:tfidf"}
    assert rows["baseline:tfidf"] == rows["baseline:majority"] == rows["standard"]
    for cell in results["cells"]:
        stored = read_predictions(out / cell["predictions"])
        assert sum(bool(one.correct) for one in stored) == cell["score"]["correct"]
        assert cell["latency_ms"] > 0
        assert cell["train_s"] > 0
    pairs = {(claim["method"], claim["against"]["method"]) for claim in results["claims"]}
    assert pairs == {("standard", "baseline:majority"), ("standard", "baseline:tfidf")}
    verdict = results["verdict"]
    assert {"sentence", "choice", "reasons"} <= verdict.keys()
    assert {one["name"] for one in verdict["candidates"]} == {"standard", "baseline:tfidf"}
    text = COMPARE.show(CompareResult.model_validate(results))
    assert str(text).startswith(f"Verdict: {verdict['sentence']}\n")
    page = tmp_path / "page"
    assert cli("report", out, "--out", page).returncode == 0
    html = (page / "report.html").read_text(encoding="utf-8")
    assert html.index("Cannot be told") < html.index("3 times, each time with another")
    assert "baseline:tfidf" in (page / "tables" / "candidates-farm.csv").read_text()


def test_the_same_baselines_are_the_same_and_other_prices_are_counted(
    answered_farm: Farm, tmp_path: Path
) -> None:
    first = measured(answered_farm, tmp_path / "a", seeds="0,1,2")
    second = measured(answered_farm, tmp_path / "b", seeds="0,1,2")
    assert [c["accuracy"] for c in first["cells"]] == [c["accuracy"] for c in second["cells"]]
    dear = measured(answered_farm, tmp_path / "a", seeds="0,1,2", price_per_core_hour=5.0)
    (cost,) = [c["cost_per_1000"] for c in first["verdict"]["candidates"]]
    (more,) = [c["cost_per_1000"] for c in dear["verdict"]["candidates"]]
    assert more == pytest.approx(100 * cost)
    # Eight test rows are few, even for two baselines that hardly err.
    assert first["verdict"]["category"] == "cannot_be_told"
    assert first["verdict"]["rows_needed"] > 8


def test_a_baseline_that_cannot_do_the_task_is_named_and_fails_nothing(
    farm: Farm, tmp_path: Path
) -> None:
    text = farm.task.read_text().replace("{kind: class, labels: [bird, mammal]}", "{kind: text}")
    farm.task.write_text(text)
    farm.generate()
    results = measured(farm, tmp_path / "c")
    assert results["status"] == "done"
    assert [cell["method"] for cell in results["cells"]] == ["baseline:majority"]
    assert [one["method"] for one in results["skipped"]] == ["baseline:tfidf"]
    text = str(COMPARE.show(CompareResult.model_validate(results)))
    assert "baseline:tfidf was skipped: labels of kind 'text' are no closed set" in text


def test_labels_that_are_missing_skip_only_what_needs_them(farm: Farm, tmp_path: Path) -> None:
    rows = "".join(f"{r['animal']},{r['sound']}\n" for r in farm.rows)
    farm.data.write_text(f"animal,sound\n{rows}")
    farm.generate()
    results = measured(farm, tmp_path / "c", labels="gold,teacher")
    assert {cell["labels"] for cell in results["cells"]} == {"teacher"}
    assert {one["method"] for one in results["skipped"]} == {"baseline:majority", "baseline:tfidf"}
    assert all("no row with such a label" in one["reason"] for one in results["skipped"])


def test_what_a_hidden_field_leaves_is_measured(answered_farm: Farm, tmp_path: Path) -> None:
    given = {"baselines": "tfidf,input-ablated", "ablate_field": "animal"}
    results = measured(answered_farm, tmp_path / "c", **given)
    accuracy = {cell["method"]: cell["accuracy"] for cell in results["cells"]}
    assert accuracy["baseline:tfidf"] > accuracy["baseline:input-ablated"]
    assert [one["name"] for one in results["verdict"]["candidates"]] == ["baseline:tfidf"]


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"baselines": "embedding"}, "--embedding-model: .* expected the folder of an encoder"),
        ({"baselines": "input-ablated"}, "--ablate-field: .* expected a field to hide"),
        ({"ablate_field": "animal"}, "--ablate-field: .* expected input-ablated among"),
        ({"embedding_model": "e"}, "--embedding-model: .* expected embedding among"),
        ({"baselines": ""}, "--baselines-only: .* expected at least one"),
        ({"baselines": "input-ablated", "ablate_field": "animals"}, "did you mean 'animal'"),
        ({"baselines": "embedding", "embedding_model": "nowhere"}, "got no such folder"),
    ],
)
def test_what_a_baseline_lacks_is_an_error_before_anything_runs(
    answered_farm: Farm, tmp_path: Path, given: dict[str, str], message: str
) -> None:
    with pytest.raises(InputError, match=message):
        measured(answered_farm, tmp_path / "c", **given)
