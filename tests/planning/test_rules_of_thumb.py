"""Published rules of thumb beside the planner's own optimum."""

from typing import Any

import pytest

from support.planner import ask


def rules(compute: str, student: str, scenario: str = "both") -> dict[str, dict[str, Any]]:
    asked = ("--compute", compute, "--student", student, "--scenario", scenario)
    return {rule["rule"]: rule for rule in ask("budget", *asked)["rules_of_thumb"]}


@pytest.mark.parametrize(
    ("compute", "student", "agrees", "differs"),
    [
        ("1e21", "1B", ["small budgets go mostly to the teacher", "mostly teacher training"], []),
        (
            "1e25",
            "1B",
            ["student's training and teacher's passes about even, little teacher training"],
            ["equal thirds at 1e25", "small students: mostly to the teacher"],
        ),
        (
            "1e21",
            "10B",
            ["small budgets go mostly to the teacher"],
            ["mostly student training", "large students: mostly to the student"],
        ),
        ("1e25", "10B", ["equal thirds at 1e25", "about equal thirds"], []),
    ],
)
def test_each_corner_of_table_3(compute, student, agrees, differs) -> None:
    found = rules(compute, student)
    assert {name for name in (*agrees, *differs) if found[name]["applies"]} == {*agrees, *differs}
    assert [found[name]["agrees"] for name in agrees] == [True] * len(agrees)
    assert [found[name]["agrees"] for name in differs] == [False] * len(differs)
    assert all(rule["why"] for rule in found.values())


def test_a_rule_outside_of_its_range_is_not_judged() -> None:
    found = rules("1e23", "5B")
    table_3 = [rule for rule in found.values() if "row" in rule["source"]]
    assert len(table_3) == 4
    assert all(rule["agrees"] is None and not rule["applies"] for rule in table_3)


def test_supervised_training_where_the_teacher_serves_once() -> None:
    name = "supervised training when the teacher serves once"
    assert rules("1e21", "1B")[name]["agrees"]
    starved = rules("1e20", "10B")[name]
    assert starved["agrees"] is False
    assert "starved" in starved["why"]
    assert rules("1e21", "1B", "inference")[name]["agrees"] is None
