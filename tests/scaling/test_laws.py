"""The published laws: printed values, limits and shapes."""

import math
from dataclasses import replace

import numpy as np
import pytest

from dsbs.core.errors import InputError
from dsbs.scaling import laws

INF = math.inf
WIDE = np.geomspace(1e3, 1e30, 28)


def printed(value: float, decimals: int) -> object:
    """Equal to `value` as far as it is printed."""
    return pytest.approx(value, abs=0.51 * 10**-decimals, rel=0)


@pytest.mark.parametrize(
    ("n", "d", "teacher", "student", "alone"),
    [
        (1e9, 2e10, 2.0, 2.27681058, 2.37469225),
        (5.46e8, 1.092e10, 2.25, 2.42359554, 2.51494099),
        (1e9, 2e10, 3.0, 3.00000000, 2.37469225),
        (1.98e8, 3.96e9, 2.5, 2.66813154, 2.78935290),
    ],
)
def test_both_losses_equal_the_reference_vectors(n, d, teacher, student, alone):
    assert laws.student_loss(n, d, teacher_loss=teacher) == printed(student, 8)
    assert laws.supervised_loss(n, d) == printed(alone, 8)


@pytest.mark.parametrize(("teacher", "student"), [(1.5, 2.68473), (1.8, 2.51056), (2.6, 2.61345)])
def test_a_198m_student_is_hurt_by_a_teacher_too_good_or_too_bad(teacher, student):
    assert laws.student_loss(198e6, 63.36e9, teacher_loss=teacher) == printed(student, 5)


@pytest.mark.parametrize(("n", "loss"), [(198e6, 2.7894), (546e6, 2.5149), (1.82e9, 2.2509)])
def test_compute_optimal_models_have_the_printed_losses(n, loss):
    assert laws.supervised_loss(n, laws.TOKENS_PER_PARAM * n) == printed(loss, 4)


def test_the_one_measured_student_of_the_paper_is_predicted():
    teacher = laws.supervised_loss(1.82e9, 20 * 1.82e9)
    assert laws.student_loss(546e6, 20 * 546e6, teacher_loss=teacher) == pytest.approx(
        2.42, abs=0.01
    )  # Table 7


def test_a_182b_student_of_a_trillion_tokens_beats_training_alone_only_with_the_best_teacher():
    n, d = 1.82e9, 1e12
    fixed = laws.student_loss(n, d, teacher_loss=laws.supervised_loss(7.75e9, 20 * 7.75e9))
    best = laws.student_loss(n, d, teacher_loss=laws.optimal_teacher_loss(n, d))
    assert [laws.supervised_loss(n, d), best, fixed] == [
        printed(2.0609, 4),
        printed(2.0540, 4),
        printed(2.0696, 4),
    ]


def test_the_logarithmic_form_equals_the_law_as_written():
    rng = np.random.default_rng(0)
    n, d, teacher = (
        10 ** rng.uniform(6, 12, 200),
        10 ** rng.uniform(7, 14, 200),
        rng.uniform(1.5, 4, 200),
    )
    s, k = laws.SUPERVISED, laws.DISTILLATION
    alone = s.E + (s.A / n**s.alpha + s.B / d**s.beta) ** s.gamma
    transition = (1 + (teacher / (alone * k.d1)) ** (1 / k.f1)) ** (-k.c1 * k.f1)
    student = (
        teacher + teacher**-k.c0 * transition * (k.A / n**k.alpha + k.B / d**k.beta) ** k.gamma
    )
    np.testing.assert_allclose(laws.supervised_loss(n, d), alone, rtol=1e-13)
    np.testing.assert_allclose(laws.student_loss(n, d, teacher_loss=teacher), student, rtol=1e-13)


def test_floats_give_a_float_and_arrays_broadcast():
    assert type(laws.supervised_loss(1e9, 2e10)) is float
    assert type(laws.student_loss(10**9, 2 * 10**10, teacher_loss=2)) is float
    table = laws.student_loss(
        np.array([[1e8], [1e9]]), np.array(2e10), teacher_loss=np.array([2.0, 2.2, 2.4])
    )
    assert table.shape == (2, 3)
    assert table[1, 0] == laws.student_loss(1e9, 2e10, teacher_loss=2.0)


@pytest.mark.parametrize("teacher", [1.3, 2.0, 2.5, 4.0])
def test_losses_fall_with_size_and_with_tokens(teacher):
    n, d = WIDE[:, None], WIDE[None, :]
    for losses in (laws.supervised_loss(n, d), laws.student_loss(n, d, teacher_loss=teacher)):
        assert np.isfinite(losses).all()
        assert (np.diff(losses, axis=0) <= 0).all()
        assert (np.diff(losses, axis=1) <= 0).all()
        assert losses[0, 0] > losses[-1, 0] > losses[-1, -1]


def test_extreme_sizes_and_infinity_raise_no_floating_point_warning():
    sizes = np.append(WIDE, INF)
    with np.errstate(over="raise", invalid="raise", divide="raise"):
        laws.student_loss(
            sizes[:, None, None], sizes[:, None], teacher_loss=np.geomspace(1.22, 1e6, 50)
        )


def test_no_student_is_predicted_to_be_better_than_its_teacher():
    teacher = np.geomspace(1.22, 50, 200)
    excess = laws.student_loss(WIDE[:, None, None], WIDE[:, None], teacher_loss=teacher) - teacher
    assert (excess > -1e-12 * teacher).all()
    assert (
        excess[0, 0, :50] > 1
    ).all()  # a student of 1000 parameters stays far behind good teachers


def test_infinite_size_and_data_leave_e_and_the_teacher():
    assert laws.supervised_loss(INF, INF) == pytest.approx(1.220, rel=1e-14)
    assert laws.student_loss(INF, INF, teacher_loss=2.3) == pytest.approx(2.3, rel=1e-14)
    assert laws.student_loss(1e9, 2e10, teacher_loss=1e5) == pytest.approx(1e5, rel=1e-14)
    assert laws.supervised_loss(1e9, INF) == pytest.approx(
        1.220 + (3355 / 1e9**0.408) ** 0.452, rel=1e-14
    )
    assert laws.supervised_loss(INF, 2e10) == pytest.approx(
        1.220 + (18186 / 2e10**0.431) ** 0.452, rel=1e-14
    )


@pytest.mark.parametrize(
    ("n", "relative"), [(1e8, -0.005), (1e9, 0.0044), (1e10, 0.0033), (1e11, -0.0077)]
)
def test_with_infinite_data_the_best_teacher_gives_what_training_alone_gives(n, relative):
    best = laws.student_loss(n, INF, teacher_loss=laws.optimal_teacher_loss(n, INF))
    assert best / laws.supervised_loss(n, INF) - 1 == pytest.approx(
        relative, abs=1e-4
    )  # App. E.6, within 1 %


@pytest.mark.parametrize("n", [6e7, 198e6, 770e6, 3e9, 12.6e9])
@pytest.mark.parametrize("tokens_per_param", [20, 100, 400, 2000])
def test_the_students_loss_is_u_shaped_in_the_teachers_and_the_optimum_is_its_minimum(
    n, tokens_per_param
):
    d = tokens_per_param * n
    teacher = np.linspace(1.22, 4, 4001)
    student = laws.student_loss(n, d, teacher_loss=teacher)
    signs = np.sign(np.diff(student))
    assert (signs[0], signs[-1], np.count_nonzero(np.diff(signs))) == (-1, 1, 1)
    best = laws.optimal_teacher_loss(n, d)
    assert best == pytest.approx(teacher[student.argmin()], abs=0.001)
    assert laws.student_loss(n, d, teacher_loss=best) <= student.min()


@pytest.mark.parametrize(
    ("tokens_per_param", "ratio"), [(20, 83), (100, 10.0), (400, 8.6), (2000, 9.3)]
)
def test_a_770m_student_wants_a_teacher_nine_to_eighty_times_as_large(tokens_per_param, ratio):
    teacher = laws.optimal_teacher_params(770e6, tokens_per_param * 770e6)
    assert teacher / 770e6 == pytest.approx(ratio, rel=0.01)


def test_a_teacher_trained_on_more_tokens_can_be_smaller():
    chinchilla, overtrained = (
        laws.optimal_teacher_params(198e6, 63e9, tokens_per_param=m) for m in (20, 200)
    )
    assert overtrained < chinchilla / 2


@pytest.mark.parametrize("tokens_per_param", [1.0, 20.0, 1e4])
@pytest.mark.parametrize("n", [1e3, 7.75e9, 1e20])
def test_teacher_params_for_loss_inverts_the_supervised_law(n, tokens_per_param):
    loss = laws.supervised_loss(n, tokens_per_param * n)
    assert laws.teacher_params_for_loss(loss, tokens_per_param) == pytest.approx(n, rel=1e-6)


def test_no_teacher_is_too_good_for_a_student_without_limits():
    assert laws.optimal_teacher_loss(1e15, 1e20) == laws.SUPERVISED.E
    with pytest.raises(InputError, match="no teacher is that good"):
        laws.optimal_teacher_params(1e15, 1e20)


def test_a_refitted_law_replaces_the_published_one():
    refit = replace(laws.SUPERVISED, E=1.5)
    law = replace(laws.DISTILLATION, supervised=refit)
    assert laws.supervised_loss(INF, INF, law=refit) == pytest.approx(1.5)
    # A student that alone does worse learns less from the same teacher.
    assert laws.student_loss(1e9, 2e10, teacher_loss=2.0, law=law) > laws.student_loss(
        1e9, 2e10, teacher_loss=2.0
    )
    best, size = (
        laws.optimal_teacher_loss(1e9, 2e10, law=law),
        laws.optimal_teacher_params(1e9, 2e10, law=law),
    )
    assert abs(best - laws.optimal_teacher_loss(1e9, 2e10)) > 0.05
    assert laws.supervised_loss(size, 20 * size, law=refit) == pytest.approx(best)


def test_published_values_lie_inside_their_intervals():
    for law, (low, high) in (
        (laws.SUPERVISED, laws.SUPERVISED_90),
        (laws.DISTILLATION, laws.DISTILLATION_90),
    ):
        for name in vars(law).keys() - {
            "supervised",
            "c1",
        }:  # c1 moved by less than its printed digits
            assert getattr(low, name) < getattr(law, name) < getattr(high, name), name


def test_the_range_at_infinity_is_the_interval_of_e():
    assert laws.supervised_loss_range(INF, INF) == pytest.approx((1.190, 1.220, 1.247), rel=1e-12)
    assert laws.student_loss_range(INF, INF, teacher_loss=2.0) == pytest.approx(
        (2.0, 2.0, 2.0), rel=1e-12
    )


def test_ranges_add_the_larger_shift_of_each_coefficient_in_quadrature():
    assert laws._quadrature(1.0, [0.7, 1.4, 1.3, 0.6]) == pytest.approx((0.5, 1.0, 1.5))
    assert laws._quadrature(1.0, [1.1, 1.2]) == pytest.approx(
        (1.0, 1.0, 1.2)
    )  # both ends move it up


@pytest.mark.parametrize("name", ["E", "alpha", "c0", "f1"])
def test_the_range_of_a_student_takes_in_the_coefficients_of_both_laws(name):
    n, d, teacher = 1e9, 2e10, 2.0
    low, value, high = laws.student_loss_range(n, d, teacher_loss=teacher)
    if name in vars(laws.DISTILLATION):
        ends = [
            replace(laws.DISTILLATION, **{name: getattr(end, name)}) for end in laws.DISTILLATION_90
        ]
    else:
        alone = [
            replace(laws.SUPERVISED, **{name: getattr(end, name)}) for end in laws.SUPERVISED_90
        ]
        ends = [replace(laws.DISTILLATION, supervised=law) for law in alone]
    moved = [laws.student_loss(n, d, teacher_loss=teacher, law=law) for law in ends]
    assert low < min(moved) < value < max(moved) < high
    assert value == laws.student_loss(n, d, teacher_loss=teacher)
    assert high - low < 0.1  # a few hundredths of a nat


@pytest.mark.parametrize(
    "call",
    [
        lambda: laws.supervised_loss(0, 1e9),
        lambda: laws.supervised_loss(1e9, -1),
        lambda: laws.supervised_loss(np.array([1e9, math.nan]), np.array([1e9, 1e9])),
        lambda: laws.student_loss(1e9, 1e10, teacher_loss=0.0),
        lambda: laws.teacher_params_for_loss(1.22),
        lambda: laws.teacher_params_for_loss(1000.0),
        lambda: laws.teacher_params_for_loss(2.0, 0),
    ],
)
def test_arguments_without_meaning_are_input_errors(call):
    with pytest.raises(InputError):
        call()
