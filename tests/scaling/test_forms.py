"""The forms that are fitted are the laws, with their derivatives."""

import math

import numpy as np
import pytest

from dsbs.scaling import laws
from dsbs.scaling.forms import CURVE, DISTILLATION, SUPERVISED, Form


@pytest.mark.parametrize(
    "form", [SUPERVISED, DISTILLATION, CURVE], ids=["supervised", "distillation", "curve"]
)
def test_slopes_are_the_derivatives(form: Form) -> None:
    rng = np.random.default_rng(0)
    theta = {SUPERVISED: [8.1, 9.8, 0.2, 0.408, 0.431, 0.452], CURVE: [-2.0, 1.0, 0.4]}.get(
        form, [7.7, 10.1, 0.321, 0.637, 0.764, 2.549, 20.0, 0.3, 0.27]
    )
    x = np.log(
        np.column_stack(
            [rng.uniform(1e8, 1e10, 5), rng.uniform(1e9, 1e11, 5), *rng.uniform(1.8, 3, (2, 5))]
        )
    )
    _, slopes = form.log_loss(np.array(theta), x)
    for at, value in enumerate(theta):
        step = 1e-6 * max(1.0, abs(value))
        up, down = (
            form.log_loss(np.array([*theta[:at], value + s, *theta[at + 1 :]]), x)[0]
            for s in (step, -step)
        )
        assert slopes[:, at] == pytest.approx((up - down) / (2 * step), rel=1e-4, abs=1e-9)


def test_the_forms_are_the_laws() -> None:
    n, d, teacher = 1e9, 2e10, 2.0
    law = laws.SUPERVISED
    theta = np.array(
        [math.log(law.A), math.log(law.B), math.log(law.E), law.alpha, law.beta, law.gamma]
    )
    alone = laws.supervised_loss(n, d)
    assert np.exp(SUPERVISED.log_loss(theta, np.log([[n, d]]))[0]) == pytest.approx(
        alone, rel=1e-12
    )
    known = laws.DISTILLATION
    theta = np.array([math.log(known.A), math.log(known.B), known.alpha, known.beta, known.gamma])
    theta = np.array([*theta, known.c0, known.c1, known.f1, math.log(known.d1)])
    found = np.exp(DISTILLATION.log_loss(theta, np.log([[n, d, teacher, alone]]))[0])
    assert found == pytest.approx(laws.student_loss(n, d, teacher_loss=teacher), rel=1e-12)
