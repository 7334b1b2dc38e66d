"""Samples vote for what their labels mean, however they are written."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dsbs.core.records import Answer
from dsbs.labeling.votes import vote
from dsbs.metrics.distributions import by_meaning, entropy
from dsbs.tasks.labels import LabelKind, meaning
from support.writings import WRITINGS


def answers(*labels: str) -> list[Answer]:
    return [Answer("1", "ok", f"Reason {at}.", label, "exact") for at, label in enumerate(labels)]


def test_equations_vote_by_their_value() -> None:
    won = vote(answers("13", "( 36 / 3 )", "12", "13", "12.0"), kind="equation", keep_rationales=9)
    assert won.label == "( 36 / 3 )"
    assert won.distribution == pytest.approx({"13": 0.4, "( 36 / 3 )": 0.6})
    assert (won.rationale, *won.more_rationales) == ("Reason 1.", "Reason 2.", "Reason 4.")


def test_three_writings_of_one_value_outvote_two_of_another_without_a_tie() -> None:
    won = vote(answers("12", "12.0", "(7+5)", "13", "13"), kind="equation")
    assert (won.label, won.tied) == ("12", False)
    assert won.distribution == pytest.approx({"12": 0.6, "13": 0.4})


def test_texts_vote_whatever_their_dress() -> None:
    won = vote(answers("Rome", "Paris.", "**paris**", "Rome", "Paris"), kind="text")
    assert won.label == "Paris."
    assert vote(answers("ice", "ICE"), kind="class").distribution == {"ice": 1.0}


def test_of_equal_votes_the_first_sample_decides_and_the_answer_is_tied() -> None:
    for first, second in (("b", "a"), ("a", "b")):
        won = vote(answers(first, second, second, first, "c"), kind="text")
        assert (won.label, won.tied) == (first, True)
    assert not vote(answers("a", "b", "a"), kind="text").tied
    assert not vote(answers("a"), kind="text").tied


def test_the_label_is_among_those_of_its_distribution() -> None:
    """The sample without a rationale is written in another way than the one that stands for all."""
    bare = Answer("1", "empty_rationale", None, "12", "exact")
    won = vote([bare, *answers("12.0")], kind="equation")
    assert won.label == "12.0"
    assert won.distribution == {"12.0": 1.0}


@pytest.mark.parametrize("kind", WRITINGS)
@given(data=st.data())
def test_another_writing_of_the_same_meaning_changes_no_vote(
    kind: LabelKind, data: st.DataObject
) -> None:
    meant = data.draw(st.lists(st.sampled_from(sorted(WRITINGS[kind])), min_size=1, max_size=7))
    written = [data.draw(st.sampled_from(WRITINGS[kind][one])) for one in meant]
    plain = vote(answers(*meant), kind=kind, keep_rationales=9)
    dressed = vote(answers(*written), kind=kind, keep_rationales=9)
    assert meaning(kind, dressed.label or "") == meaning(kind, plain.label or "")
    assert by_meaning(kind, dressed.distribution or {}) == by_meaning(
        kind, plain.distribution or {}
    )
    assert len(dressed.distribution or {}) == len(plain.distribution or {})
    assert (dressed.rationale, dressed.more_rationales) == (plain.rationale, plain.more_rationales)
    assert dressed.tied == plain.tied


def test_smoothed_shares_leave_no_allowed_label_at_zero() -> None:
    """(n_y + a) / (n + a K), whatever the writing of the labels that were cast."""
    samples = answers("ice", "ICE", "rain")
    allowed = ("ice", "rain", "snow")
    found = vote(samples, kind="class", allowed=allowed, smoothing=0.5).distribution
    assert found == pytest.approx({"ice": 2.5 / 4.5, "rain": 1.5 / 4.5, "snow": 0.5 / 4.5})
    bare = vote(samples, kind="class", allowed=allowed).distribution
    assert bare == pytest.approx({"ice": 2 / 3, "rain": 1 / 3})
    open_labels = vote(samples, kind="text", smoothing=0.5).distribution
    assert open_labels == pytest.approx({"ice": 2 / 3, "rain": 1 / 3})


@given(st.lists(st.sampled_from("abc"), min_size=2, max_size=12), st.floats(0.1, 3))
def test_a_temperature_acts_on_smoothed_shares_and_not_on_those_of_one_label(
    cast: list[str], added: float
) -> None:
    def flatter(shares: dict[str, float]) -> dict[str, float]:
        weights = {label: share**0.5 for label, share in shares.items()}
        return {label: weight / sum(weights.values()) for label, weight in weights.items()}

    smoothed = vote(answers(*cast), kind="class", allowed="abc", smoothing=added)
    shares = dict(smoothed.distribution or {})
    assert min(shares.values()) > 0
    assert entropy(flatter(shares)) >= entropy(shares) - 1e-12
    if len(set(cast)) == 1:
        bare = dict(vote(answers(*cast), kind="class", allowed="abc").distribution or {})
        assert flatter(bare) == bare
        assert entropy(flatter(shares)) > entropy(shares)
