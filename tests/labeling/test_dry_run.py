"""A plan shows prompts, tokens and money, and sends nothing."""

from pathlib import Path

import pytest

from dsbs import api
from support.command import Cli
from support.farm import Farm
from support.served_farm import Serve, ask, flags, seen


def test_a_plan_shows_prompts_tokens_and_money_and_asks_nothing(
    farm: Farm, serve: Serve, tmp_path: Path, cli: Cli
) -> None:
    log = tmp_path / "seen"
    url = serve("--log", log)
    settings = {"price_in": 2.0, "price_out": 8.0, "api": "completions"}
    plan = ask(farm, url, plan=True, tokens_per_second=1000, **settings)["plan"]
    assert (plan["rows"], plan["requests"], plan["reused"]) == (72, 72, 0)
    assert len(plan["prompts"]) == 3
    assert plan["prompts"][0].startswith("Animal: hen clucks")
    assert not plan["tokens_exact"]
    assert plan["cost"] == pytest.approx(
        (plan["prompt_tokens"] * 2 + plan["completion_tokens"] * 8) / 1e6, abs=0.01
    )
    assert plan["seconds"] == pytest.approx(
        (plan["prompt_tokens"] + plan["completion_tokens"]) / 1000, abs=1
    )
    assert not seen(log)
    assert not (farm.folder / "asked").exists()
    ask(farm, url, max_rows=10, **settings)
    again = ask(farm, url, plan=True, **settings)["plan"]
    assert (again["requests"], again["reused"]) == (54, 18)
    assert again["seconds"] is not None  # the rate is now measured
    arguments = flags(farm, url)
    shown = cli("generate", *arguments, "--plan", "--out", farm.folder / "asked").stdout
    assert "give --price-in and --price-out" in shown
    assert "requests to send" in shown


def test_rows_that_are_alike_are_planned_once_and_are_not_called_stored(
    farm: Farm, serve: Serve, cli: Cli
) -> None:
    farm.write([row for row in farm.rows[:20] for _ in range(30)])
    url = serve()
    settings = {"api": "completions", "splits": "train,validation,test"}
    plan = ask(farm, url, plan=True, **settings)["plan"]
    assert (plan["rows"], plan["requests"]) == (600, 20)
    assert (plan["reused"], plan["repeated"]) == (0, 580)
    sampled = ask(farm, url, plan=True, samples=3, **settings)["plan"]
    assert (sampled["requests"], sampled["repeated"]) == (60, 3 * 580)
    made = ask(farm, url, **settings)
    assert made["new"] == plan["requests"]
    again = ask(farm, url, plan=True, **settings)["plan"]
    assert (again["requests"], again["reused"], again["repeated"]) == (0, 600, 0)


def test_generate_and_plan_cost_state_the_same_tokens_and_money(farm: Farm, serve: Serve) -> None:
    prices = {"price_in": 200.0, "price_out": 800.0, "price_cached": 20.0}
    plan = ask(farm, serve(), plan=True, api="completions", **prices)["plan"]
    cost = api.plan(
        "cost", task=str(farm.task), data=farm.data, teacher="7B", student="t5-v1_1-base", **prices
    )
    each = cost["tokens_per_request"]
    assert plan["rows"] == cost["rows"] == 72
    assert plan["prompt_tokens_each"] == round(each["shared"] + each["question"], 1)
    assert plan["answer_tokens_each"] == round(each["answer"], 1)
    for count in ("prompt_tokens", "cached_tokens", "completion_tokens"):
        assert plan[count] == round(cost["tokens"][count])
    assert plan["cost"] == round(cost["money"], 2) > 0
