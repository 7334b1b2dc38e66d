"""Verdicts of cells made by hand, whose right verdict is known."""

from typing import Any

import pytest

from dsbs.artifacts.results.base import Score
from dsbs.artifacts.results.compare import CompareResult
from dsbs.artifacts.results.verdict import Prices, Verdict
from dsbs.comparison.claims import judge
from dsbs.comparison.verdict import at_prices
from dsbs.metrics.accuracy import interval
from support.made_cells import EXAMPLES, Made

STUDENT: dict[str, Any] = {"train_s": 100.0, "call_s": 0.01, "latency_ms": 12.0}
CHEAP: dict[str, Any] = {"student": "none", "train_s": 1.0, "call_s": 1e-4, "latency_ms": 0.1}


class Table:
    """Candidates with the number of their right answers among the examples, for each seed."""

    def __init__(self, *, seeds: int = 5, chance: float = 0.2) -> None:
        self.made = Made()
        self.seeds = seeds
        self.chance = chance
        self.add("baseline:majority", 20, **CHEAP)

    def add(self, method: Any, right: int, spread: int = 0, **more: Any) -> None:
        known = CHEAP if method.startswith("baseline:") else STUDENT
        for seed in range(self.seeds):
            off = spread * (seed % 3 - 1)
            self.made.add(method, seed, right + off, chance=self.chance, **{**known, **more})

    def judged(self, teacher: int | None = None, margin: float = 0.02) -> CompareResult:
        score = None
        told = {}
        if teacher is not None:
            score = Score(n=EXAMPLES, correct=teacher, ci95_examples=interval(teacher, EXAMPLES))
            told = {str(n): n < teacher for n in range(EXAMPLES)}
        results = CompareResult(
            out="",
            task="made",
            equal="steps",
            decode="generate",
            margin=margin,
            cells=self.made.cells,
            teacher_score=score,
        )
        return judge(results, self.made.verdicts, told)

    def verdict(self, teacher: int | None = None, margin: float = 0.02) -> Verdict:
        found = self.judged(teacher, margin).verdict
        assert found is not None
        return found


def test_a_cheap_baseline_that_is_as_good_is_taken() -> None:
    table = Table()
    for method in ("standard", "step_by_step", "baseline:tfidf"):
        table.add(method, 95)
    found = table.verdict(margin=0.1)
    assert (found.category, found.choice) == ("baseline", "baseline:tfidf")
    assert found.sentence.startswith("Do not distil: TF-IDF does it (95.0 %, ")
    assert found.candidates[0].name == "baseline:tfidf"
    assert found.level == pytest.approx(1 - 0.05 / 2)


def test_a_student_that_is_better_is_taken_and_the_cheapest_of_equal_ones() -> None:
    table = Table()
    table.add("baseline:tfidf", 40)
    table.add("step_by_step", 95, train_s=200.0)
    table.add("standard", 95, call_s=0.02)
    found = table.verdict(margin=0.1)
    assert (found.category, found.choice) == ("student", "standard")
    assert found.sentence.startswith("Distil: standard (95.0 %, ")
    # Both students are one model, whose calls cost the same.
    costs = {one.name: one.cost_per_1000 for one in found.candidates}
    assert costs["standard"] == pytest.approx(
        1000 * (100 / 1_000_000 + 0.015) * 0.05 / 3600, rel=1e-6
    )
    assert costs["standard"] < costs["step_by_step"]
    assert "rationales do not help here" in found.sentence


def test_rationales_that_help() -> None:
    table = Table()
    table.add("baseline:tfidf", 30)
    table.add("standard", 40)
    table.add("step_by_step", 95)
    found = table.verdict()
    assert (found.choice, found.rationales) == ("step_by_step", "help")
    assert found.sentence.endswith("; rationales help.")


def test_equal_candidates_cannot_be_told_within_a_narrow_margin() -> None:
    """Each is right where the other is wrong, on a tenth of the rows."""
    table = Table()
    table.add("standard", 80, spread=3)
    table.add("baseline:tfidf", 80, start=10)
    found = table.verdict()
    assert (found.category, found.choice) == ("cannot_be_told", None)
    assert found.rows_needed is not None or found.seeds_needed is not None
    assert found.sentence.startswith("Cannot be told: ")
    assert "(there are 100 test rows and 5 seeds)" in found.sentence


def test_what_hardly_errs_is_as_good_as_anything_however_unsteady_that_is() -> None:
    table = Table(seeds=3)
    table.add("baseline:tfidf", 100)
    table.add("standard", 85, spread=15)
    found = table.verdict(margin=0.07)
    pairs = {(one.candidate, one.against): one for one in found.differences}
    assert pairs["baseline:tfidf", "standard"].interval[0] < -0.07
    assert found.choice == "baseline:tfidf"
    assert any("less one that never errs" in reason for reason in found.reasons)


def test_one_seed_tells_nothing_and_asks_for_three() -> None:
    table = Table(seeds=1)
    table.add("standard", 90)
    table.add("baseline:tfidf", 50)
    found = table.verdict()
    assert (found.category, found.seeds_needed) == ("cannot_be_told", 3)
    assert "3 seeds would be needed (there are 100 test rows and 1 seed)" in found.sentence


def test_nothing_that_learned_is_no_choice() -> None:
    table = Table()
    table.add("standard", 20)
    table.add("baseline:tfidf", 21)
    found = table.verdict()
    assert (found.category, found.choice) == ("nothing_learned", None)


def test_a_candidate_must_beat_the_commonest_label_and_not_chance_alone() -> None:
    table = Table(chance=0.01)
    table.add("standard", 21)
    found = table.verdict()
    assert not found.candidates[0].learned
    assert found.choice is None


def test_students_far_from_the_teacher_are_said_to_be_so() -> None:
    table = Table()
    table.add("standard", 60)
    found = table.verdict(teacher=99)
    assert (found.category, found.choice) == ("no_student_near_teacher", "standard")
    assert found.sentence.startswith("No student is near the teacher yet: standard is -39.0 points")
    table.add("step_by_step", 99)
    assert table.verdict(teacher=99).category == "student"


def test_a_curve_that_reaches_the_teacher_asks_for_rows() -> None:
    table = Table()
    for frac, rows, right in ((0.125, 500, 13), (0.25, 1000, 43), (0.5, 2000, 63), (1.0, 4000, 76)):
        table.add("standard", right, spread=1, data_frac=frac, n_train=rows)
    found = table.verdict(teacher=88)
    assert found.category == "more_data_needed"
    assert found.rows_of_data is not None
    assert found.rows_of_data.low > 4000
    assert "training rows" in found.sentence
    assert "by the curve of standard" in found.sentence


def test_other_prices_need_no_predictions_and_change_the_choice() -> None:
    table = Table()
    table.add("standard", 95, device="cuda", call_s=0.001)
    table.add("baseline:embedding", 95, student="minilm", call_s=0.02)
    results = table.judged(margin=0.1)
    assert results.verdict is not None
    assert results.verdict.choice == "baseline:embedding"
    found = at_prices(results, Prices(core_hour=10.0, gpu_hour=0.01)).verdict
    assert found is not None
    assert found.choice == "standard"
    assert found.differences == results.verdict.differences


def test_candidates_are_told_apart_by_what_differs() -> None:
    table = Table()
    table.add("standard", 90)
    table.add("standard", 30, labels="teacher")
    assert {one.name for one in table.verdict().candidates} == {
        "standard, gold labels",
        "standard, teacher labels",
    }


def test_hidden_fields_are_no_candidate_but_a_reason() -> None:
    table = Table()
    table.add("standard", 90)
    table.add("baseline:input-ablated", 85)
    found = table.verdict()
    assert [one.name for one in found.candidates] == ["standard"]
    assert any("Without a part of the input, TF-IDF still has 85.0 %" in r for r in found.reasons)


def test_results_without_a_measured_candidate_have_a_verdict_too() -> None:
    found = Table().verdict()
    assert found.category == "cannot_be_told"
    assert found.candidates == []
