"""The law of capacity gap: its line, and the linear model in which too good a teacher hurts."""

import numpy as np
import pytest

from dsbs.core.errors import InputError
from dsbs.scaling import capacity_gap


def test_capacity_gap_line_and_its_inverse():
    assert capacity_gap.capacity_gap_teacher(1e9) == pytest.approx(2486.502e6, rel=1e-12)
    assert capacity_gap.capacity_gap_student(7e9) == pytest.approx(2.8068e9, rel=1e-4)
    assert capacity_gap.capacity_gap_student(
        capacity_gap.capacity_gap_teacher(770e6)
    ) == pytest.approx(770e6, rel=1e-12)


@pytest.fixture(scope="module")
def alphas():
    return np.random.default_rng(0).uniform(-1, 1, 1000)


@pytest.mark.parametrize(("m", "student"), [(100, 17.032430), (122, 17.032430), (1000, 17.524242)])
def test_the_toys_student_has_the_printed_errors(alphas, m, student):
    errors = capacity_gap.capacity_gap_toy(alphas, m, n=100, t=5.0, d=4.5)
    assert errors.student == pytest.approx(student, abs=1e-6, rel=0)


def test_the_toys_student_improves_up_to_its_own_size_and_then_only_gets_worse(alphas):
    errors = [capacity_gap.capacity_gap_toy(alphas, m, n=100, t=5.0, d=4.5) for m in range(1, 1001)]
    teacher, student = np.array(errors).T
    assert (np.diff(teacher) <= 1e-12).all()
    assert (np.diff(student[:100]) <= 1e-12).all()
    assert (np.diff(student[99:]) >= -1e-12).all()
    assert student[0] > student[999] > student[121] + 0.1  # both arms of the U are there
    assert student[122] > student[121] == pytest.approx(student[99])  # flat from m=100 through 122


@pytest.mark.parametrize("m", [3, 40, 41, 300])
def test_the_toys_lemmas_equal_projecting_the_functions_themselves(alphas, m):
    def fit(target, size, norm):
        kept = np.where(np.arange(len(target)) < size, target, 0.0)
        return kept * min(1.0, norm / np.linalg.norm(kept))

    teacher = fit(alphas, m, 5.0)
    student = fit(teacher, 40, 3.0)
    errors = capacity_gap.capacity_gap_toy(alphas, m, n=40, t=5.0, d=3.0)
    assert errors.teacher == pytest.approx(np.linalg.norm(alphas - teacher), rel=1e-12)
    assert errors.student == pytest.approx(np.linalg.norm(alphas - student), rel=1e-12)


@pytest.mark.parametrize(
    "call",
    [
        lambda: capacity_gap.capacity_gap_teacher(770),
        lambda: capacity_gap.capacity_gap_student(2.5),
        lambda: capacity_gap.capacity_gap_toy(np.ones(5), 6, n=1, t=1.0, d=1.0),
        lambda: capacity_gap.capacity_gap_toy(np.ones(5), 2, n=0, t=1.0, d=1.0),
        lambda: capacity_gap.capacity_gap_toy(np.ones(5), 2, n=1, t=1.0, d=2.0),
    ],
)
def test_arguments_without_meaning_are_input_errors(call):
    with pytest.raises(InputError):
        call()
