"""From how many calls per month on a student pays for itself."""

from typing import Any

import pytest

from support.planner import ask

SETTINGS = ("--task", "svamp", "--rows", "10k", "--teacher", "7B", "--accelerators", "l4")
PRICES = ("--price-in", "0.2", "--price-out", "0.6", "--price-per-hour", "2")


def found(*more: str) -> dict[str, dict[str, Any]]:
    return {one["against"]: one for one in ask("cost", *SETTINGS, *more)["break_even"]}


def test_at_the_break_even_both_ways_cost_the_same() -> None:
    plan = ask("cost", *SETTINGS, *PRICES, "--price-per-call", "0.002", "--months", "6")
    own, given = plan["break_even"]
    assert own["price_per_call"] == pytest.approx(plan["money"] / 10_000)
    assert given["price_per_call"] == 0.002
    for one in (own, given):
        calls = 6 * one["calls_per_month"]
        with_student = one["one_off"] + calls * one["student_price_per_call"]
        assert with_student == pytest.approx(calls * one["price_per_call"])
    training = 2 * plan["accelerators"][0]["student_h"]
    assert given["one_off"] == pytest.approx(plan["money"] + training)
    assert "calls per month" in plan["sentence"]


def test_a_student_whose_call_costs_more_never_pays() -> None:
    one = found("--price-per-call", "1e-9", "--price-per-hour", "2")["--price-per-call"]
    assert one["calls_per_month"] is None


def test_without_prices_there_is_nothing_to_break_even_with() -> None:
    assert found() == {}
    assert set(found("--price-per-hour", "2")) == {"the teacher on one l4"}


def test_twice_the_months_need_half_the_calls() -> None:
    year = found(*PRICES)["the teacher's price"]
    two = found(*PRICES, "--months", "24")["the teacher's price"]
    assert two["calls_per_month"] == pytest.approx(year["calls_per_month"] / 2)
