"""`plan law`: what the distillation law expects of one student, term by term."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from dsbs.config.plan import LawPlanConfig
from dsbs.core.sizes import show_size
from dsbs.planning import fitted_range
from dsbs.plots.charts import Chart, Series, Table
from dsbs.scaling import laws


def answer(config: LawPlanConfig) -> dict[str, Any]:
    """`student_loss`, `supervised_loss`, their ranges, `in_range`, the law's `parts`, and the best teacher's loss."""
    n, d = config.n_student, config.d_student
    teacher, outside = _teacher(config)
    outside = fitted_range.leaving("a student", n, d) + outside
    low, student, high = laws.student_loss_range(n, d, teacher_loss=teacher)
    alone = laws.supervised_loss_range(n, d)
    best = laws.optimal_teacher_loss(n, d)
    results: dict[str, Any] = {
        "n_student": n,
        "d_student": d,
        "teacher_loss": teacher,
        "student_loss": student,
        "student_loss_range": [low, high],
        "supervised_loss": alone.value,
        "supervised_loss_range": [alone.low, alone.high],
        "in_range": not outside,
        "parts": parts(n, d, teacher),
        "best_teacher_loss": best,
        "best_student_loss": laws.student_loss(n, d, teacher_loss=best),
    }
    return results | {
        "sentence": _sentence(results),
        "rests_on": [*outside, _RANGES, fitted_range.SCALING_LAW, fitted_range.NOT_THIS_CASE],
    }


def parts(n: float, d: float, teacher_loss: float) -> dict[str, float]:
    """The terms of L_S = L_T + weight * (size + data)^gamma' (eq 8), and of the supervised law E + (size + data)^gamma.

    `weight` is L_T^-c0 (1 + (L_T / (Ls d1))^(1/f1))^(-c1 f1): how much of the student's own limits counts with this teacher.
    """
    law, alone = laws.DISTILLATION, laws.SUPERVISED
    size, data = law.A / n**law.alpha, law.B / d**law.beta
    excess = laws.student_loss(n, d, teacher_loss=teacher_loss) - teacher_loss
    return {
        "teacher_loss": teacher_loss,
        "excess_over_teacher": excess,
        "size_term": size,
        "data_term": data,
        "own_limits": (size + data) ** law.gamma,
        "weight": excess / (size + data) ** law.gamma,
        "supervised_floor": alone.E,
        "supervised_size_term": alone.A / n**alone.alpha,
        "supervised_data_term": alone.B / d**alone.beta,
    }


def tables(results: Mapping[str, Any]) -> list[Table]:
    """The losses, and the terms they are made of."""
    losses = [
        ["student, distilled", results["student_loss"], *results["student_loss_range"]],
        ["the same, trained alone", results["supervised_loss"], *results["supervised_loss_range"]],
        ["teacher", results["teacher_loss"], None, None],
        ["student of the best teacher", results["best_student_loss"], None, None],
        ["that teacher", results["best_teacher_loss"], None, None],
    ]
    terms = [[name.replace("_", " "), value] for name, value in results["parts"].items()]
    return [
        Table("loss, nats a token", ["what", "loss", "low", "high"], losses),
        Table("parts of the law", ["term", "value"], terms),
    ]


def charts(results: Mapping[str, Any]) -> list[Chart]:
    """The student's loss over the teacher's: the U of the capacity gap."""
    n, d, teacher = results["n_student"], results["d_student"], results["teacher_loss"]
    x = np.linspace(laws.SUPERVISED.E, max(3.2, 1.1 * teacher), 300)
    student = laws.student_loss(n, d, teacher_loss=x)
    series = [
        Series("distilled", x, student),
        Series("trained alone", x, np.full_like(x, results["supervised_loss"]), colour=1),
        Series("no better than the teacher", x, x, colour=6),
        Series("this student", [teacher], [results["student_loss"]], kind="points", colour=3),
    ]
    title = f"a student of {show_size(n)} on {show_size(d)} tokens"
    marks = {"best teacher": results["best_teacher_loss"]}
    return [
        Chart(
            title,
            "the teacher's loss, nats a token",
            "the student's loss, nats a token",
            series,
            marks=marks,
        )
    ]


def _teacher(config: LawPlanConfig) -> tuple[float, list[str]]:
    """The teacher's loss, and how the teacher leaves the fitted range."""
    if config.n_teacher is None:
        assert config.teacher_loss is not None  # the model takes exactly one of the two
        return config.teacher_loss, fitted_range.leaving_loss(config.teacher_loss)
    tokens = config.d_teacher or laws.TOKENS_PER_PARAM * config.n_teacher
    return laws.supervised_loss(config.n_teacher, tokens), fitted_range.leaving(
        "a teacher", config.n_teacher, tokens
    )


def _sentence(results: Mapping[str, Any]) -> str:
    gain = results["supervised_loss"] - results["student_loss"]
    verdict = "better" if gain > 0 else "worse"
    return (
        f"A student of {show_size(results['n_student'])} on {show_size(results['d_student'])} tokens is expected at "
        f"{results['student_loss']:.3f} nats a token with a teacher at {results['teacher_loss']:.3f}, {abs(gain):.3f} "
        f"{verdict} than trained alone ({results['supervised_loss']:.3f})"
        + ("." if results["in_range"] else ", by extrapolation.")
    )


_RANGES = (
    "low and high: each coefficient moved alone to the ends of its published 90 % interval, shifts added in quadrature; "
    "correlations are not published, and the error of leaving the fitted range is not in it"
)
