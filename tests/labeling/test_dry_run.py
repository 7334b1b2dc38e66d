"""A plan shows prompts, tokens and money, and sends nothing."""

from pathlib import Path

import pytest

from support.command import Cli
from support.farm import Farm
from support.served_farm import Serve, ask, seen


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
    arguments = [
        "--task",
        farm.task,
        "--data",
        farm.data,
        "--engine",
        "endpoint",
        "--teacher",
        "model",
        "--base-url",
        url,
    ]
    shown = cli("generate", *arguments, "--plan", "--out", farm.folder / "asked").stdout
    assert "give --price-in and --price-out" in shown
    assert "requests to send" in shown
