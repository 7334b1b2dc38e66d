"""`dsbs plan cost`: its parts add up."""

import pytest

from dsbs import api
from support.farm import Farm
from support.served_farm import Serve
from support.served_farm import ask as generate


def test_cost_adds_up(farm: Farm) -> None:
    given = {
        "task": str(farm.task),
        "data": farm.data,
        "teacher": "8B",
        "student": "tiny",
        "max_steps": 10,
        "batch_size": 4,
    }
    results = api.plan(
        "cost",
        **given,
        price_in=1.0,
        price_out=2.0,
        price_cached=0.5,
        price_per_hour=3.0,
        devices=4,
    )
    tokens = results["tokens"]
    each = results["tokens_per_request"]
    assert results["rows"] == 72  # training and validation rows of the 80, which generate labels
    read = tokens["prompt_tokens"] - tokens["cached_tokens"]
    assert results["money"] == pytest.approx(
        (read + 0.5 * tokens["cached_tokens"] + 2 * tokens["completion_tokens"]) / 1e6
    )
    assert tokens["cached_tokens"] == 71 * each["shared"]
    twice = api.plan("cost", **given | {"max_steps": 20})
    assert twice["student"]["train_flops"] == pytest.approx(2 * results["student"]["train_flops"])
    for row in results["accelerators"]:
        assert row["money"] == pytest.approx(3 * (row["teacher_h"] + row["student_h"]))
    assert [m["devices"] for m in results["memory"]] == [1, 4]
    one = results["memory"][0]
    states = 1.8 * (one["weights"] + one["gradients"])
    assert one["total"] == pytest.approx(states + one["activations"])
    thrice = api.plan("cost", **given, samples=3, price_in=1.0, price_out=2.0)
    assert thrice["tokens"]["completion_tokens"] == 3 * tokens["completion_tokens"]


def test_plan_cost_gives_the_numbers_of_generates_plan(farm: Farm, serve: Serve) -> None:
    shared = {"samples": 2, "price_in": 1000.0, "price_out": 4000.0}
    planned = generate(farm, serve(), plan=True, temperature=1.0, api="completions", **shared)[
        "plan"
    ]
    cost = api.plan(
        "cost", task=str(farm.task), data=farm.data, teacher="8B", student="tiny", **shared
    )
    assert not planned["tokens_exact"]
    assert planned["rows"] == cost["rows"] == 72
    for name in ("prompt_tokens", "completion_tokens"):
        assert planned[name] == pytest.approx(cost["tokens"][name], abs=1), name
    assert planned["cost"] == pytest.approx(cost["money"], rel=1e-3)
