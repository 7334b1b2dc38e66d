"""`dsbs plan law`: reference losses and their parts."""

import pytest

from dsbs.scaling import laws
from support.planner import QUESTIONS, ask


def test_law_gives_the_reference_losses_and_their_parts() -> None:
    results = ask("law", *QUESTIONS["law"])
    assert results["student_loss"] == pytest.approx(2.27681058, abs=5e-9)
    assert results["supervised_loss"] == pytest.approx(2.37469225, abs=5e-9)
    assert results["in_range"] is True
    parts = results["parts"]
    assert parts["teacher_loss"] + parts["weight"] * parts["own_limits"] == pytest.approx(
        results["student_loss"], rel=1e-12
    )
    own = parts["supervised_size_term"] + parts["supervised_data_term"]
    assert parts["supervised_floor"] + own**laws.SUPERVISED.gamma == pytest.approx(
        results["supervised_loss"], rel=1e-12
    )


def test_law_takes_the_teacher_by_its_size_too() -> None:
    results = ask("law", "--n-student", "546M", "--d-student", "10.92B", "--n-teacher", "1.82B")
    assert results["teacher_loss"] == pytest.approx(laws.supervised_loss(1.82e9, 36.4e9))
    assert results["student_loss"] == pytest.approx(2.42, abs=0.01)  # measured in the paper
    beyond = ask(
        "law",
        "--n-student",
        "60M",
        "--d-student",
        "1e9",
        "--n-teacher",
        "1e9",
        "--d-teacher",
        "1e12",
    )
    assert beyond["in_range"] is False
    assert [note.split(":")[0] for note in beyond["rests_on"]].count("EXTRAPOLATED") == 2
    assert "extrapolation" in beyond["sentence"]
