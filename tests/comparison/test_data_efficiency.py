"""The least data with which a method is as good as another, on cells made by hand."""

import pytest

from dsbs.artifacts.results.base import Score
from dsbs.comparison.data_efficiency import Teacher, find_data_needs
from dsbs.comparison.findings import need_sentence
from dsbs.metrics.accuracy import interval
from support.made_cells import EXAMPLES, Made


def test_the_least_data_that_does_has_a_range(made: Made) -> None:
    for frac, rights in ((0.25, (30, 33, 31)), (0.5, (48, 53, 52)), (0.75, (56, 59, 57))):
        for seed, right in enumerate(rights):
            made.add("step_by_step", seed, right, data_frac=frac)
            made.add("standard", seed, right - 9, data_frac=frac)
    teacher = {str(n): n < 62 for n in range(EXAMPLES)}
    found = find_data_needs(made.cells, made.verdicts, [Teacher(teacher)], "steps")
    needs = {(need.method, need.against): need for need in found}
    assert set(needs) == {
        ("step_by_step", "standard"),
        ("step_by_step", "teacher"),
        ("standard", "teacher"),
    }
    need = needs["step_by_step", "standard"]
    assert (need.fractions, need.at) == ([0.25, 0.5, 0.75, 1.0], 1.0)
    assert need.differences[1] == pytest.approx(0.51 - 0.52)
    assert (need.possible, need.estimate, need.certain) == (0.5, 0.75, 1.0)
    assert need_sentence(need) == (
        "step_by_step (s, gold labels) is as good as standard on all data from 75 % of the data "
        "on. By the 95 % interval: possibly from 50 % of the data on, surely with all data."
    )
    assert needs["step_by_step", "teacher"].estimate is None
    assert "is not as good as the teacher from any fraction on that was tried" in need_sentence(
        needs["step_by_step", "teacher"]
    )
    without = find_data_needs(made.cells, made.verdicts, [Teacher({})], "steps")
    assert {need.against for need in without} == {"standard"}


def at_chance(made: Made, methods: tuple[str, ...], fractions: tuple[float, ...]) -> Made:
    made.cells = [
        cell.model_copy(update={"flags": ["at_chance"]})
        if cell.method in methods and cell.data_frac in fractions
        else cell
        for cell in made.cells
    ]
    return made


def both_methods() -> Made:
    """Both have 20 of 100 right, the share of a guess, whatever the data."""
    made = Made()
    for seed in range(5):
        for data_frac in (0.25, 1.0):
            made.add("standard", seed, 20, data_frac=data_frac)
            made.add("step_by_step", seed, 20, data_frac=data_frac, chance=0.2)
    return made


def test_students_at_chance_are_as_good_as_nobody() -> None:
    made = at_chance(both_methods(), ("standard", "step_by_step"), (0.25, 1.0))
    (need,) = find_data_needs(made.cells, made.verdicts, [Teacher({})], "steps")
    assert (need.estimate, need.possible, need.certain) == (None, None, None)
    assert need_sentence(need) == (
        "step_by_step (s, gold labels): standard on all data cannot be shown to beat chance, so nothing "
        "is compared with it."
    )
    # Only what the student itself has learned counts, too.
    made = at_chance(both_methods(), ("step_by_step",), (0.25,))
    (need,) = find_data_needs(made.cells, made.verdicts, [Teacher({})], "steps")
    assert (need.learned, need.estimate, need.certain) == ([False, True], 1.0, None)
    made = at_chance(both_methods(), ("step_by_step",), (0.25, 1.0))
    (need,) = find_data_needs(made.cells, made.verdicts, [Teacher({})], "steps")
    assert "learned at no fraction that was tried" in need_sentence(need)


def test_a_teacher_at_chance_or_at_zero_is_no_goal() -> None:
    made = both_methods()
    for right, chance in ((0, 0.0), (22, 0.2)):
        score = Score(n=EXAMPLES, correct=right, ci95_examples=interval(right, EXAMPLES))
        teacher = Teacher({str(n): n < right for n in range(EXAMPLES)}, score, chance)
        needs = find_data_needs(made.cells, made.verdicts, [teacher], "steps")
        against = [need for need in needs if need.against == "teacher"]
        assert len(against) == 2
        assert not any(need.opponent_learned for need in against)
        assert {need.estimate for need in against} == {None}


def test_a_claim_against_the_teacher_is_no_surer_than_its_accuracy() -> None:
    """Students that never vary, two points above a teacher of 50 %: over seeds alone sure, but 100
    questions do not tell 52 % from 50 %.
    """
    made = Made()
    for seed in range(5):
        made.add("standard", seed, 52, start=20)
    teacher = {str(n): n < 50 for n in range(EXAMPLES)}
    (need,) = find_data_needs(made.cells, made.verdicts, [Teacher(teacher)], "steps")
    assert (need.estimate, need.certain) == (1.0, None)
    found = need.ci95_seeds_and_examples[0]
    assert found is not None
    assert found[0] < -0.05 < 0.05 < found[1]


def test_the_margin_is_part_of_the_sentence(made: Made) -> None:
    for seed in range(5):
        made.add("step_by_step", seed, 51, data_frac=0.5)
    (need,) = find_data_needs(made.cells, made.verdicts, [Teacher({})], "steps", margin=0.02)
    assert need.estimate == 0.5
    assert "is at most 2 points worse than standard on all data from 50 % of the data on" in (
        need_sentence(need)
    )
