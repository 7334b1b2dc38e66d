"""Means over seeds, on cells made by hand."""

from collections.abc import Sequence

import numpy as np
import pytest

from dsbs.artifacts.results.evaluate import StudentScores
from dsbs.comparison.cautions import stuck_sentence
from dsbs.comparison.groups import gather_notices, learning_flags, make_groups
from dsbs.comparison.statistics import mean_over_seeds
from dsbs.core.records import NearDuplicates
from dsbs.metrics.accuracy import interval
from dsbs.metrics.collapse import Notice
from support.made_cells import EXAMPLES, Made


def test_a_group_has_both_intervals_and_counts_who_did_not_learn(made: Made) -> None:
    made.add("standard", 5, 20, flags=["at_chance"])
    made.add("standard", 6, 0, status="failed", score=None)
    groups = {group.method: group for group in make_groups(made.cells, made.verdicts)}
    group = groups["standard"]
    scores = [0.5, 0.54, 0.52, 0.49, 0.51, 0.2]
    assert (group.seeds, group.done, group.failed, group.at_chance) == (7, 6, 1, 1)
    assert group.mean == pytest.approx(np.mean(scores))
    assert group.ci95_seeds == pytest.approx(mean_over_seeds(scores).ci95_seeds)
    assert group.ci95_examples is not None
    assert group.ci95_examples[0] < np.mean(scores) < group.ci95_examples[1]
    assert group.mean_learned == pytest.approx(np.mean(scores[:-1]))
    assert stuck_sentence(group) == (
        "standard (s, gold labels, all data): of 7 students, 1 failed and 1 cannot be shown to beat chance. "
        "The mean of those that learned is 51.2 %."
    )
    assert stuck_sentence(groups["step_by_step"]) is None


def test_one_seed_has_an_interval_over_examples_only() -> None:
    made = Made()
    made.add("standard", 0, 60)
    (group,) = make_groups(made.cells, made.verdicts)
    assert (group.standard_error, group.ci95_seeds) == (None, None)
    assert group.ci95_examples == interval(60, EXAMPLES)


def scores(
    correct: int, *, unparsable: float = 0.0, notices: Sequence[Notice] = ()
) -> StudentScores:
    return StudentScores(
        n=1000, correct=correct, ci95_examples=None, unparsable=unparsable, notices=list(notices)
    )


def test_a_cell_at_chance_or_without_labels_is_flagged() -> None:
    chance = 1 / 3
    assert learning_flags(scores(345), chance) == ["at_chance"]
    assert learning_flags(scores(400), chance) == []
    assert learning_flags(scores(0, unparsable=0.9), chance) == ["at_chance", "unparsable"]


def test_a_student_with_one_label_is_flagged_and_counted_in_its_group(made: Made) -> None:
    one = Notice("one_label", "the student, test", "99.0 % of 100 labels are 'a', but 40 % of gold")
    small = Notice("small_validation", "validation", "8 rows are too few")
    assert learning_flags(scores(400, notices=[one, small]), 1 / 3) == ["one_label"]
    made.add("standard", 5, 50, flags=["one_label"], notices=[small, one])
    made.add("standard", 6, 52, notices=[small])
    group = next(g for g in make_groups(made.cells, made.verdicts) if g.method == "standard")
    assert group.one_label == 1
    assert "1 gave nearly all rows one label" in (stuck_sentence(group) or "")


def test_the_same_sign_of_many_students_is_one_notice(made: Made) -> None:
    small = Notice("small_validation", "validation", "8 rows are too few")
    many = [cell.model_copy(update={"notices": [small]}) for cell in made.cells]
    first = made.cells[0].name
    assert gather_notices(many) == [
        Notice(
            "small_validation",
            "validation",
            f"8 rows are too few ({len(many)} of {len(many)} students, first {first})",
        )
    ]
    assert gather_notices(made.cells) == []


@pytest.mark.parametrize("right", [0, EXAMPLES])
def test_seeds_that_are_all_right_or_all_wrong_have_an_interval(right: int) -> None:
    made = Made()
    for seed in range(3):
        made.add("standard", seed, right)
    (group,) = make_groups(made.cells, made.verdicts)
    assert (group.mean, group.ci95_seeds) == (right / EXAMPLES, None)
    # That of 100 independent rows: three students are no 300 questions.
    assert group.ci95_examples == pytest.approx(interval(right, EXAMPLES))


def test_rows_of_one_group_count_less() -> None:
    """Ten groups of ten rows that are right or wrong together."""
    made = Made()
    for seed in range(3):
        made.add("standard", seed, 60)
    groups = {str(n): f"g{n // 10}" for n in range(EXAMPLES)}
    (alone,) = make_groups(made.cells, made.verdicts)
    (grouped,) = make_groups(made.cells, made.verdicts, groups)
    assert alone.ci95_examples is not None
    assert grouped.ci95_examples is not None
    low, high = grouped.ci95_examples
    assert high - low > 2 * (alone.ci95_examples[1] - alone.ci95_examples[0])
    (one,) = make_groups(made.cells, made.verdicts, dict.fromkeys(groups, "g"))
    assert (one.ci95_examples, one.ci95_withheld) == (None, "all rows are of one group")


def test_accuracy_is_given_with_and_without_near_duplicates() -> None:
    made = Made()
    for seed in range(2):
        made.add("standard", seed, 60)
    pairs = NearDuplicates(300, EXAMPLES, 30, 0, (), tests=tuple(str(n) for n in range(30)))
    (group,) = make_groups(made.cells, made.verdicts, duplicates=pairs)
    assert group.mean == pytest.approx(0.6)
    assert group.mean_unseen == pytest.approx(30 / 70)
    (group,) = make_groups(made.cells, made.verdicts)
    assert group.mean_unseen is None
