"""The score of a student's own label is a number from 0 to 1."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dsbs.contracts.scores import base_score, stance, with_rationale
from dsbs.core.records import Prediction

SCORES = {"bird": math.log(0.6), "fish": math.log(0.3), "dog": math.log(0.1)}


def made(label: str | None, **more: object) -> Prediction:
    return Prediction("1", "", label, scores=SCORES, **more)  # type: ignore[arg-type]


def test_likelihood_and_margin_follow_the_probabilities_of_labels() -> None:
    assert base_score("likelihood", made("bird"), closed=True) == pytest.approx(0.6)
    assert base_score("margin", made("bird"), closed=True) == pytest.approx((1 + 0.3) / 2)
    assert base_score("margin", made("dog"), closed=True) == pytest.approx((1 - 0.5) / 2)
    assert base_score("likelihood", made(None), closed=True) == 0


def test_an_open_label_has_the_likelihood_of_its_text() -> None:
    one = Prediction("1", "12", "12", scores={"12": math.log(0.25)})
    assert base_score("likelihood", one, closed=False) == pytest.approx(0.25)


def test_a_rationale_argues_for_its_label_or_for_another() -> None:
    allowed = ("bird", "fish")
    assert stance("class", made("bird", rationale="A duck is a bird."), allowed) == 1
    assert stance("class", made("bird", rationale="It is a fish."), allowed) == -1
    assert stance("class", made("bird", rationale="It swims."), allowed) == 0
    assert stance("class", made("bird"), allowed) == 0


@given(
    st.floats(0, 1, allow_subnormal=False),
    st.floats(-1, 1, allow_subnormal=False),
    st.floats(0, 50, allow_subnormal=False),
)
def test_a_score_stays_between_0_and_1(score: float, argues: float, weight: float) -> None:
    assert 0 <= with_rationale(score, argues, weight) <= 1
    assert with_rationale(score, argues, 0) == score
