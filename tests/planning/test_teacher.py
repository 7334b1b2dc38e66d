"""`dsbs plan teacher`: both laws, unmerged."""

import pytest

from dsbs.scaling.capacity_gap import capacity_gap_teacher
from support.planner import ask


def test_teacher_shows_both_laws_and_merges_nothing() -> None:
    results = ask("teacher", "--student", "770M")
    assert results["capacity_gap"]["teacher_params"] == pytest.approx(capacity_gap_teacher(770e6))
    assert results["scaling_law"]["teacher_params"] / 770e6 == pytest.approx(83, rel=0.02)
    assert not results["capacity_gap"]["beyond_fitted"]
    assert results["scaling_law"]["beyond_fitted"]
    assert 0 < results["scaling_law"]["flatness"]["half"] < 0.01
    assert "disagree" in results["sentence"]
    assert any("the default of 20 per parameter" in note for note in results["rests_on"])
    more = ask("teacher", "--student", "770M", "--student-tokens", "1.54T")
    assert more["scaling_law"]["teacher_params"] / 770e6 == pytest.approx(9.3, rel=0.02)
    assert any(note.startswith("EXTRAPOLATED") and "1.54T" in note for note in more["rests_on"])


def test_each_law_counts_a_t5_by_its_own_parameters() -> None:
    named = ask("teacher", "--student", "google/t5-v1_1-base")
    assert named["student"]["params"] > named["student"]["non_embedding"]
    assert named["capacity_gap"]["teacher_params"] == pytest.approx(
        capacity_gap_teacher(named["student"]["params"])
    )
    tiny = ask("teacher", "--student", "tiny")
    assert tiny["capacity_gap"]["teacher_params"] is None
    assert "covers no student this small" in tiny["sentence"]
