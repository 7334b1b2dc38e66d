"""`dsbs plan budget`: whether to distill, and what the compute is spent on."""

import pytest

from dsbs.planning.budget import split_shares
from dsbs.scaling.compute_split import best_split
from support.planner import ask


def test_budget_says_whether_to_distill_and_up_to_where() -> None:
    rich = ask("budget", "--compute", "1e25", "--student", "1B", "--scenario", "both")
    assert rich["better"] == "supervised"
    assert sum(rich["shares"].values()) == pytest.approx(1, abs=1e-5)
    poor = ask("budget", "--compute", "1e20", "--student", "10B", "--scenario", "both")
    assert poor["better"] == "distillation"
    assert poor["distilling_wins"][0]["to_compute"] > 1e20
    free = ask("budget", "--compute", "1e21", "--student", "1B", "--scenario", "best-case")
    assert free["shares"]["student_training"] == pytest.approx(1)
    assert free["teacher_params"] is None


def test_rows_1_and_2_of_table_3() -> None:
    """Small students: mostly teacher training at 1e21; student training and inference about even,
    little else, at 1e25.
    """
    for n in (1e9, 3e9):
        small = split_shares(best_split(1e21, "both", n), 1e21, "both", n)
        assert small.teacher_training > 0.5
        large = split_shares(best_split(1e25, "both", n), 1e25, "both", n)
        assert large.teacher_training < 0.1
        assert 0.7 < large.student_training / large.teacher_inference < 1.5
