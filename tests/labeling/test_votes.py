"""Samples vote for what their labels mean, however they are written."""

import pytest

from dsbs.core.records import Answer
from dsbs.labeling.votes import vote


def answers(*labels: str) -> list[Answer]:
    return [Answer("1", "ok", f"Reason {at}.", label, "exact") for at, label in enumerate(labels)]


def test_equations_vote_by_their_value() -> None:
    won = vote(answers("13", "( 36 / 3 )", "12", "13", "12.0"), kind="equation", keep_rationales=9)
    assert won.label == "( 36 / 3 )"
    assert won.distribution == pytest.approx({"13": 0.4, "( 36 / 3 )": 0.6})
    assert (won.rationale, *won.more_rationales) == ("Reason 1.", "Reason 2.", "Reason 4.")


def test_texts_vote_whatever_their_dress() -> None:
    won = vote(answers("Rome", "Paris.", "**paris**", "Rome", "Paris"), kind="text")
    assert won.label == "Paris."
    assert vote(answers("ice", "ICE"), kind="class").distribution == {"ice": 1.0}
