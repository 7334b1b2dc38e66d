"""From scored rows to what a contract states."""

import numpy as np
import pytest

from dsbs.contracts.terms import Promise, ScoredRows, find_terms, money_of

PROMISE = Promise(budget=0.02, level=0.05)


def rows(count: int, wrong: int = 0, unreadable: int = 0) -> ScoredRows:
    """The surest rows first; the last ones wrong, and some without a label."""
    different = np.zeros(count, bool)
    different[count - wrong :] = True
    labels = ["a" if at % 2 else "b" for at in range(count)]
    read = [None if at < unreadable else label for at, label in enumerate(labels)]
    return ScoredRows(np.linspace(1, 0, count), read, different)


def test_a_student_that_never_differs_answers_all_it_can_read() -> None:
    found = find_terms(rows(300, unreadable=60), PROMISE)
    assert found.holds
    assert found.share_local == 0.8
    assert found.rows_needed is None


def test_wider_budgets_answer_more() -> None:
    found = find_terms(rows(1000, wrong=200), PROMISE)
    shares = [point.share_local for point in found.curve]
    assert shares == sorted(shares)
    assert found.disagreement_bound is not None
    assert found.disagreement_bound <= 0.02
    assert found.agreement == pytest.approx(0.8)
    assert all(one.share > found.share_local for one in found.needed)


def test_too_few_rows_need_149() -> None:
    found = find_terms(rows(100), PROMISE)
    assert (found.holds, found.threshold, found.share_local) == (False, None, 0)
    assert found.rows_needed == 149


def test_a_class_without_enough_rows_goes_to_the_teacher() -> None:
    some = ScoredRows(np.linspace(1, 0, 400), ["a"] * 300 + ["b"] * 100, np.zeros(400, bool))
    found = find_terms(some, PROMISE, classes=("a", "b", "c"), by_class=True)
    assert found.holds
    assert found.threshold is None
    assert found.share_local == 0.75
    assert {label: terms.holds for label, terms in found.per_class.items()} == {
        "a": True,
        "b": False,
        "c": False,
    }
    assert found.per_class["b"].rows_needed == 203
    assert found.disagreement_bound == found.per_class["a"].disagreement_bound


def test_money_is_saved_on_what_is_answered_locally() -> None:
    money = money_of(teacher=2.0, student=0.1, share_local=0.75)
    assert money.cascade == pytest.approx(0.6)
    assert money.saved == pytest.approx(1.4)
