"""Limits on money, tokens, rows and bad answers stop a run cleanly."""

import pytest

from dsbs.core.records import Outcome
from dsbs.labeling.budget import Limits, Spending
from dsbs.teachers.protocol import Prompt
from support.farm import Farm
from support.served_farm import Serve, ask

PROMPT = Prompt("x", "text")


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
    assert "is no_label" in results["stopped"]
    assert "answer.marker" in results["stopped"]
    assert 200 <= results["new"] < 250


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        ("cut_off", "raise --max-new-tokens (256 now)"),
        ("no_label", "answer.marker"),
        ("label_not_allowed", "{{ labels }}"),
        ("refused", "another --teacher"),
        ("failed", "errors of the server"),
    ],
)
def test_what_to_change_depends_on_what_is_wrong_with_most(fault: Outcome, said: str) -> None:
    spending = Spending(Limits(max_bad_answers=0.5), max_new_tokens=256)
    other: Outcome = "no_label" if fault != "no_label" else "refused"
    spending.add([], faults=[None] * 99 + [fault] * 60 + [other] * 40)
    assert spending.stop(0, PROMPT) == ""  # one answer short of 200
    spending.add([], faults=[fault])
    reason = spending.stop(0, PROMPT)
    assert "101 of 200 answers cannot be used, more than --max-bad-answers 0.5; " in reason
    assert f"the outcome of 61 is {fault}" in reason
    assert said in reason
    assert Spending(Limits()).stop(0, PROMPT) == ""


def test_half_of_bad_answers_is_not_more_than_half() -> None:
    spending = Spending(Limits(max_bad_answers=0.5))
    spending.add([], faults=["no_label", None] * 150)
    assert spending.stop(0, PROMPT) == ""
