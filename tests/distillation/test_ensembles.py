"""Several teachers as one, and which of their rationales are learned."""

import itertools

import pytest

from dsbs.artifacts.results.train import Disagreement
from dsbs.core.records import Answer, Example
from dsbs.distillation.ensembles import combine, disagreement, spread
from dsbs.distillation.methods import learned_rationales
from dsbs.metrics.distributions import weighted_mean

DOG = Example("1", "train", {}, "A dog barks.", gold="mammal")

SURE = Answer(
    "1", "ok", "It has fur.", "mammal", "exact", {"mammal": 0.9, "bird": 0.1}, ("It has paws.",)
)

WRONG = Answer("1", "ok", "It can fly.", "bird", "exact", {"mammal": 0.3, "bird": 0.7})

PLAIN = Answer("1", "ok", "It barks.", "mammal", "exact")

REFUSED = Answer("1", "refused")


@pytest.mark.parametrize("mean", ["arithmetic", "geometric"])
@pytest.mark.parametrize("answer", [SURE, WRONG, PLAIN, REFUSED])
def test_an_ensemble_of_one_is_that_one(mean: str, answer: Answer) -> None:
    assert combine([answer], [3.0], mean=mean) == answer  # type: ignore[arg-type]


@pytest.mark.parametrize("mean", ["arithmetic", "geometric"])
def test_the_order_of_teachers_does_not_matter(mean: str) -> None:
    named = list(zip([SURE, WRONG, PLAIN, REFUSED], [1.0, 0.7, 2.1, 1.0], strict=True))
    orders = [
        combine(*zip(*order, strict=True), mean=mean) for order in itertools.permutations(named)
    ]  # type: ignore[arg-type]
    assert (
        len(
            {
                (found.label, found.outcome, tuple((found.distribution or {}).items()))
                for found in orders
            }
        )
        == 1
    )


def test_distributions_are_averaged_by_weight_and_a_plain_answer_is_certain() -> None:
    equal = combine([SURE, WRONG], [1, 1])
    assert equal.distribution == pytest.approx({"bird": 0.4, "mammal": 0.6})
    assert (equal.label, equal.rationale) == ("mammal", "It has fur.")
    tipped = combine([SURE, WRONG], [1, 3])
    assert tipped.distribution == pytest.approx({"bird": 0.55, "mammal": 0.45})
    assert (tipped.label, tipped.rationale) == ("bird", "It can fly.")
    assert combine([WRONG, PLAIN], [1, 1]).distribution == pytest.approx(
        {"bird": 0.35, "mammal": 0.65}
    )
    root = combine([SURE, WRONG], [1, 1], mean="geometric").distribution
    assert root == pytest.approx(
        {"mammal": 0.27**0.5 / (0.27**0.5 + 0.07**0.5), "bird": 0.07**0.5 / (0.27**0.5 + 0.07**0.5)}
    )
    assert weighted_mean([{"a": 1.0}, {"b": 1.0}], [1, 1], mean="geometric") == pytest.approx(
        {"a": 0.5, "b": 0.5}
    )


def test_teachers_without_a_label_abstain() -> None:
    assert combine([REFUSED, WRONG], [9, 1]).label == "bird"
    assert combine([REFUSED, REFUSED, Answer("1", "cut_off")], [1, 1, 1]).outcome == "refused"


def test_a_label_that_nobody_put_first_has_nobodys_rationale() -> None:
    a = Answer("1", "ok", "r", "a", "exact", {"a": 0.5, "b": 0.45, "c": 0.05})
    c = Answer("1", "ok", "s", "c", "exact", {"a": 0.05, "b": 0.45, "c": 0.5})
    found = combine([a, c], [1, 1])
    assert (found.label, found.rationale, found.label_usable) == ("b", None, True)


def test_a_distribution_over_the_labels_that_a_row_has() -> None:
    assert spread({"b": 0.2, "z": 0.5, "a": 0.3}, ["a", "b", "c", "a"]) == pytest.approx(
        {"a": 0.6, "b": 0.4, "c": 0.0}
    )
    assert spread({"z": 1.0}, ["a", "b"]) is None


def test_disagreement_counts_rows_that_several_labelled() -> None:
    found = disagreement([(SURE, WRONG), (SURE, PLAIN), (SURE, REFUSED), (None, SURE)])
    assert found == Disagreement(rows=2, share=0.5)
    assert disagreement([(SURE,)]) == Disagreement(rows=0)


def test_filters_drop_rationales_of_wrong_or_outvoted_answers() -> None:
    def texts(answer: Answer | None, **options: object) -> list[str]:
        return [r.text for r in learned_rationales(answer, example=DOG, kind="class", **options)]  # type: ignore[arg-type]

    assert texts(WRONG) == ["It can fly."]
    assert texts(WRONG, wanted="correct") == texts(WRONG, wanted="agree", voted="mammal") == []
    assert texts(WRONG, wanted="agree", voted="bird") == ["It can fly."]
    assert texts(SURE, wanted="correct") == ["It has fur."]
    assert texts(SURE, count=5) == ["It has fur.", "It has paws."]
    assert texts(REFUSED) == texts(None) == []
    unlabelled = Example("1", "train", {}, "A dog barks.")
    assert learned_rationales(SURE, example=unlabelled, kind="class", wanted="correct") == ()
