"""`dsbs plan cost`: its parts add up."""

import pytest

from dsbs import api
from support.farm import Farm


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
    assert results["rows"] == 64  # training rows of the 80
    read = tokens["prefix"] + tokens["questions"]
    assert results["money"] == pytest.approx(
        (read + 0.5 * tokens["cached"] + 2 * tokens["answers"]) / 1e6
    )
    assert tokens["cached"] == 63 * tokens["prefix"]
    twice = api.plan("cost", **given | {"max_steps": 20})
    assert twice["student"]["train_flops"] == pytest.approx(2 * results["student"]["train_flops"])
    for row in results["accelerators"]:
        assert row["money"] == pytest.approx(3 * (row["teacher_h"] + row["student_h"]))
    assert [m["devices"] for m in results["memory"]] == [1, 4]
    assert results["memory"][0]["total"] == pytest.approx(sum(results["memory"][0][k] for k in ("weights", "gradients")) * 1.8
                                                         + results["memory"][0]["activations"])  # fmt: skip
