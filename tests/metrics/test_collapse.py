"""When a teacher or a student counts as collapsed: not by luck in few rows, surely in many."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dsbs.metrics.accuracy import interval
from dsbs.metrics.collapse import (
    Notice,
    at_chance,
    chance_notices,
    empty_notices,
    label_notices,
    unparsable_notices,
    validation_notices,
)
from dsbs.metrics.label_counts import LabelCounts
from dsbs.tasks.labels import LabelKind
from support.writings import WRITINGS


def counts(kind: LabelKind = "class", **labels: int) -> LabelCounts:
    found = LabelCounts(kind)
    for label, count in labels.items():
        for _ in range(count):
            found.add(label)
    return found


def test_one_label_is_told_with_the_label_and_the_share_it_should_have() -> None:
    (notice,) = label_notices("the student, test", counts(no=197, yes=3), counts(no=80, yes=120))
    assert notice == Notice(
        "one_label",
        "the student, test",
        "98.5 % of 200 labels are 'no', but 40.0 % of the gold labels",
    )
    assert str(notice).startswith("the student, test: 98.5 %")


@pytest.mark.parametrize(
    ("given", "gold"),
    [
        ({"no": 190, "yes": 10}, {"no": 190, "yes": 10}),  # as skewed as gold
        ({"no": 200}, {"no": 190, "yes": 10}),  # hardly more skewed than gold
        ({"no": 8}, {"no": 4, "yes": 4}),  # a small run, where luck can do it
        ({"no": 150, "yes": 50}, {"no": 20, "yes": 180}),  # wrong, and not collapsed
        ({}, {"no": 4, "yes": 4}),
    ],
)
def test_labels_that_are_no_collapse_make_no_notice(
    given: dict[str, int], gold: dict[str, int]
) -> None:
    assert label_notices("who", counts(**given), counts(**gold)) == []


def test_without_other_labels_only_what_is_beyond_doubt_is_told() -> None:
    for reference in (None, LabelCounts("class")):
        assert label_notices("who", counts(no=30), reference) == []
        (notice,) = label_notices("who", counts(no=200), reference)
        assert notice.text == (
            "100.0 % of 200 labels are 'no'; there are no others to compare them with"
        )


def test_open_labels_collapse_too() -> None:
    given = LabelCounts("equation")
    gold = LabelCounts("equation")
    for at in range(40):
        given.add(("0", "0.0", "( 5 - 5 )")[at % 3])
        gold.add(str(at))
    (notice,) = label_notices("who", given, gold)
    assert notice.text == "100.0 % of 40 labels are '0', but 2.5 % of the gold labels"


def test_options_collapse_by_their_place() -> None:
    options = [(f"a{at}", f"b{at}", f"c{at}") for at in range(60)]
    given = LabelCounts.of("choice", [row[1] for row in options], options)
    gold = LabelCounts.of("choice", [row[at % 3] for at, row in enumerate(options)], options)
    (notice,) = label_notices("who", given, gold)
    assert notice.text == "100.0 % of 60 labels are 'option b', but 33.3 % of the gold labels"


@pytest.mark.parametrize("kind", WRITINGS)
@given(data=st.data())
def test_another_writing_of_the_same_meaning_changes_no_share_and_no_sign(
    kind: LabelKind, data: st.DataObject
) -> None:
    labels = sorted(WRITINGS[kind])
    meant = data.draw(st.lists(st.sampled_from([*labels[:1] * 30, *labels]), max_size=60))
    written = [data.draw(st.sampled_from(WRITINGS[kind][one])) for one in meant]
    gold = LabelCounts.of(kind, labels * 20, [()] * (20 * len(labels)))
    plain = LabelCounts.of(kind, meant, [()] * len(meant))
    dressed = LabelCounts.of(kind, written, [()] * len(meant))
    assert plain.counts == dressed.counts
    signs = [[n.sign for n in label_notices("who", one, gold)] for one in (plain, dressed)]
    assert signs[0] == signs[1]


def test_empty_answers_are_told_where_they_are_more_than_a_few() -> None:
    (notice,) = empty_notices("the teacher, train", 30, 200)
    assert str(notice) == "the teacher, train: 30 of 200 answers are empty"
    assert empty_notices("who", 0, 10) == empty_notices("who", 1, 10) == []
    assert empty_notices("who", 10, 200) == empty_notices("who", 0, 0) == []


def test_unreadable_outputs_are_told_where_they_are_most() -> None:
    (notice,) = unparsable_notices("who", 6, 10)
    assert notice.text == "6 of 10 outputs have no readable label"
    assert unparsable_notices("who", 5, 10) == unparsable_notices("who", 0, 0) == []


def test_an_accuracy_of_chance_is_told_with_its_interval() -> None:
    (notice,) = chance_notices("the student, test", 345, 1000, 1 / 3)
    assert notice.text == (
        "accuracy 34.5 % on 1,000 rows (95 % interval 31.6 to 37.6 %) "
        "cannot be told from chance, 33.3 %"
    )
    (below,) = chance_notices("baseline:tfidf, test", 132, 1221, 0.2)
    assert below.text.endswith("(95 % interval 9.2 to 12.7 %) is below chance, 20.0 %")
    assert chance_notices("who", 400, 1000, 1 / 3) == chance_notices("who", 0, 0, 0.5) == []
    assert chance_notices("who", 2, 2, 0.5) == []


def test_a_small_run_that_has_learned_is_not_called_chance() -> None:
    """14 of 20 right may be luck at 50 %, yet nothing says that it is."""
    low, _ = interval(14, 20)
    assert low < 0.5
    assert not at_chance(interval(14, 20), 0.5)
    assert at_chance(interval(11, 20), 0.5)
    assert at_chance(interval(0, 20), 0.1)


def test_a_small_validation_is_told_with_what_it_means() -> None:
    (notice,) = validation_notices(20)
    assert notice.text == (
        "20 rows are too few to choose a checkpoint by: "
        "an accuracy near 50 % is known to ± 22 points"
    )
    assert "the last weights are kept" in validation_notices(0)[0].text
    assert validation_notices(101) != []
    assert validation_notices(102) == []
