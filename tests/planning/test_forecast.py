"""`dsbs plan forecast`: from the user's own runs, and no further than they bear."""

import json
from pathlib import Path

from dsbs import api
from support.farm import Farm
from support.planner import ask, write_run


def test_forecast_answers_from_the_users_own_runs(tmp_path: Path) -> None:
    run = write_run(tmp_path / "run")
    results = ask("forecast", str(run), "--target", "0.77", "--bootstrap-samples", "40")
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
    assert results["growth"][0]["gains"] is None
    assert "1 student size with" in results["growth"][0]["refused"]
    assert (
        ask("forecast", str(run), "--target", "0.6", "--bootstrap-samples", "20")["curves"][0][
            "target"
        ]["status"]
        == "reached"
    )


def test_forecast_refuses_to_look_further_than_the_runs_bear(tmp_path: Path) -> None:
    run = write_run(tmp_path / "run", floor=0.02, noise=0.002)
    results = ask("forecast", str(run), "--target", "0.95", "--bootstrap-samples", "40")
    assert results["curves"][0]["target"]["status"] == "beyond"
    assert results["curves"][0]["target"]["rows"] is None
    assert "lies beyond" in results["sentence"]
    high = ask(
        "forecast",
        str(write_run(tmp_path / "low", floor=0.4, noise=0.002)),
        "--bootstrap-samples",
        "40",
    )
    assert high["curves"][0]["target"]["status"] == "above_ceiling"


def test_forecast_says_so_where_the_smaller_fractions_did_not_foretell_the_largest(
    tmp_path: Path,
) -> None:
    run = write_run(tmp_path / "run")
    manifest = json.loads((run / "manifest.json").read_text())
    for cell in manifest["results"]["cells"]:
        if cell["data_frac"] == 0.5:
            cell["score"]["correct"] -= 20_000
    (run / "manifest.json").write_text(json.dumps(manifest))
    results = ask("forecast", str(run), "--bootstrap-samples", "40")
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
    results = api.plan("forecast", runs=[out], bootstrap_samples=20)
    assert [row["rows"] for row in results["curves"][0]["measured"]] == [13, 26, 38, 51, 64]
    assert results["curves"][0]["full"]["status"] == "measured"
