"""Several teachers as one, and which of their rationales are learned."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dsbs.artifacts.results.train import Disagreement
from dsbs.core.records import Answer, Example
from dsbs.distillation.ensembles import combine, disagreement, spread
from dsbs.distillation.methods import learned_rationales
from dsbs.labeling.votes import vote
from dsbs.metrics.distributions import Mean, by_meaning, weighted_mean
from dsbs.tasks.labels import LabelKind, meaning
from support.writings import WRITINGS

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
    assert combine([answer], [3.0], kind="class", mean=mean) == answer  # type: ignore[arg-type]


@pytest.mark.parametrize("mean", ["arithmetic", "geometric"])
def test_the_order_of_teachers_does_not_matter(mean: str) -> None:
    named = list(zip([SURE, WRONG, PLAIN, REFUSED], [1.0, 0.7, 2.1, 1.0], strict=True))
    orders = [
        combine(*zip(*order, strict=True), kind="class", mean=mean)
        for order in itertools.permutations(named)
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
    equal = combine([SURE, WRONG], [1, 1], kind="class")
    assert equal.distribution == pytest.approx({"bird": 0.4, "mammal": 0.6})
    assert (equal.label, equal.rationale) == ("mammal", "It has fur.")
    tipped = combine([SURE, WRONG], [1, 3], kind="class")
    assert tipped.distribution == pytest.approx({"bird": 0.55, "mammal": 0.45})
    assert (tipped.label, tipped.rationale) == ("bird", "It can fly.")
    assert combine([WRONG, PLAIN], [1, 1], kind="class").distribution == pytest.approx(
        {"bird": 0.35, "mammal": 0.65}
    )
    root = combine([SURE, WRONG], [1, 1], kind="class", mean="geometric").distribution
    assert root == pytest.approx(
        {"mammal": 0.27**0.5 / (0.27**0.5 + 0.07**0.5), "bird": 0.07**0.5 / (0.27**0.5 + 0.07**0.5)}
    )
    assert weighted_mean([{"a": 1.0}, {"b": 1.0}], [1, 1], mean="geometric") == pytest.approx(
        {"a": 0.5, "b": 0.5}
    )


def test_teachers_without_a_label_abstain() -> None:
    assert combine([REFUSED, WRONG], [9, 1], kind="class").label == "bird"
    silent = [REFUSED, REFUSED, Answer("1", "cut_off")]
    assert combine(silent, [1, 1, 1], kind="class").outcome == "refused"


def test_a_label_that_nobody_put_first_has_nobodys_rationale() -> None:
    a = Answer("1", "ok", "r", "a", "exact", {"a": 0.5, "b": 0.45, "c": 0.05})
    c = Answer("1", "ok", "s", "c", "exact", {"a": 0.05, "b": 0.45, "c": 0.5})
    found = combine([a, c], [1, 1], kind="class")
    assert (found.label, found.rationale, found.label_usable) == ("b", None, True)


def test_a_distribution_over_the_labels_that_a_row_has() -> None:
    assert spread("class", {"b": 0.2, "z": 0.5, "a": 0.3}, ["a", "b", "c", "a"]) == pytest.approx(
        {"a": 0.6, "b": 0.4, "c": 0.0}
    )
    assert spread("class", {"z": 1.0}, ["a", "b"]) is None


def test_disagreement_counts_rows_that_several_labelled() -> None:
    rows = [(SURE, WRONG), (SURE, PLAIN), (SURE, REFUSED), (None, SURE)]
    assert disagreement("class", rows) == Disagreement(rows=2, share=0.5)
    assert disagreement("class", [(SURE,)]) == Disagreement(rows=0)


def certain(label: str) -> Answer:
    return Answer("1", "ok", f"So {label}.", label, "exact")


def test_a_tie_goes_to_the_better_teacher_and_not_to_the_alphabet() -> None:
    for first, second in (("a", "b"), ("b", "a")):
        found = combine([certain(first), certain(second)], [1, 1], kind="class")
        assert (found.label, found.rationale, found.tied) == (first, f"So {first}.", True)
    # The best teacher gave none of the tied labels: the better one of the others decides.
    among = [certain("c"), certain("b"), certain("a")]
    found = combine(among, [1, 2, 2], kind="class")
    assert (found.label, found.tied) == ("b", True)
    # Nobody gave a tied label: the one that the best teacher finds likelier.
    doubtful = [
        Answer("1", "ok", "r", "x", "exact", {"x": 0.4, "a": 0.25, "b": 0.35}),
        Answer("1", "ok", "s", "y", "exact", {"y": 0.4, "a": 0.35, "b": 0.25}),
    ]
    assert combine(doubtful, [1, 1], kind="class").label == "b"
    assert not combine([certain("a"), certain("b")], [2, 1], kind="class").tied


def test_a_tie_is_one_up_to_rounding() -> None:
    weights = [0.3, 0.1, 0.1, 0.1]
    given = [certain("b"), certain("a"), certain("a"), certain("a")]
    for mean in ("arithmetic", "geometric"):
        found = combine(given, weights, kind="class", mean=mean)  # type: ignore[arg-type]
        assert (found.label, found.tied) == ("b", True)


@pytest.mark.parametrize("mean", ["arithmetic", "geometric"])
@pytest.mark.parametrize("kind", WRITINGS)
@given(data=st.data())
def test_another_writing_of_the_same_meaning_changes_nothing_between_teachers(
    kind: LabelKind, mean: Mean, data: st.DataObject
) -> None:
    labels = st.sampled_from(sorted(WRITINGS[kind]))
    samples = data.draw(st.lists(st.lists(labels, min_size=1, max_size=4), min_size=2, max_size=3))
    written = [
        [data.draw(st.sampled_from(WRITINGS[kind][label])) for label in row] for row in samples
    ]
    plain = [vote([certain(label) for label in row], kind=kind) for row in samples]
    dressed = [vote([certain(label) for label in row], kind=kind) for row in written]
    weights = [float(at) for at in range(1, len(samples) + 1)]
    one = combine(plain, weights, kind=kind, mean=mean)
    other = combine(dressed, weights, kind=kind, mean=mean)
    assert meaning(kind, one.label or "") == meaning(kind, other.label or "")
    assert one.tied == other.tied
    shares = by_meaning(kind, one.distribution or {})
    assert by_meaning(kind, other.distribution or {}) == pytest.approx(shares)
    assert len(other.distribution or {}) == len(shares)
    allowed = sorted(WRITINGS[kind])
    assert spread(kind, other.distribution or {}, allowed) == pytest.approx(
        spread(kind, one.distribution or {}, allowed)
    )
    assert disagreement(kind, [dressed]) == disagreement(kind, [plain])
    asked = Example("1", "train", {}, "?", gold=samples[0][0])
    for wanted in ("agree", "correct"):
        kept = [
            [
                bool(
                    learned_rationales(
                        answer, example=asked, kind=kind, wanted=wanted, voted=joint.label
                    )
                )
                for answer in answers
            ]
            for answers, joint in ((plain, one), (dressed, other))
        ]
        assert kept[0] == kept[1]


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
