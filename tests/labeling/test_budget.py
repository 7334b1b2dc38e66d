"""Limits on money, tokens, rows and bad answers stop a run cleanly."""

import pytest

from support.farm import Farm
from support.served_farm import Serve, ask


def test_budgets_stop_cleanly_and_the_next_run_goes_on(farm: Farm, serve: Serve) -> None:
    url, small = serve(), {"prompts_per_request": 4, "concurrency": 2}
    money = ask(farm, url, price_in=1000.0, price_out=1000.0, max_cost=2.0, **small)
    assert money["status"] == "stopped"
    assert "--max-cost" in money["stopped"]
    assert 0 < money["new"] < 72
    assert money["cost"] == pytest.approx(money["new"] * 110 / 1000)
    assert money["cost"] <= 2.0
    tokens = ask(farm, url, max_tokens=1500, **small)
    assert tokens["reused"] == money["new"]
    assert tokens["new"] * 110 <= 1500
    rows = ask(farm, url, max_rows=30)
    assert rows["splits"]["train"]["rows"] == 30
    whole = ask(farm, url)
    assert (whole["status"], whole["failed"]) == ("done", 0)
    assert whole["new"] + whole["reused"] == 72
    assert "stopped" not in whole["splits"]


def test_answers_that_cannot_be_used_stop_a_run_before_it_is_paid_for(
    farm: Farm, serve: Serve
) -> None:
    farm.write([{**row, "sound": f"{row['sound']} {n}"} for n in range(6) for row in farm.rows])
    farm.task.write_text(farm.task.read_text().replace("So it is a", "Hence a"))
    results = ask(
        farm, serve("--delay", "0.01"), max_bad_answers=0.5, prompts_per_request=1, concurrency=4
    )
    assert results["status"] == "stopped"
    assert "--max-bad-answers" in results["stopped"]
    assert 200 <= results["new"] < 250
