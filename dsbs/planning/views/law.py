"""Tables and the figure of `plan law`."""

import numpy as np

from dsbs.core.sizes import show_size
from dsbs.planning.law import LawPlan
from dsbs.plots.figure import Figure, Series
from dsbs.plots.table import Table
from dsbs.scaling import laws
from dsbs.scaling.coefficients import SUPERVISED


def tables(plan: LawPlan) -> list[Table]:
    """The losses, and the terms that they are made of."""
    losses = [
        ["student, distilled", plan.student_loss, *plan.student_loss_range],
        ["student, trained alone", plan.supervised_loss, *plan.supervised_loss_range],
        ["teacher", plan.teacher_loss, None, None],
        ["student of the best teacher", plan.best_student_loss, None, None],
        ["the best teacher", plan.best_teacher_loss, None, None],
    ]
    terms = [[name.replace("_", " "), value] for name, value in plan.parts]
    return [
        Table("losses", "Loss, nats per token", ["what", "loss", "low", "high"], losses),
        Table("terms", "Terms of the law", ["term", "value"], terms),
    ]


def figures(plan: LawPlan) -> list[Figure]:
    """The student's loss over the teacher's: the U of the capacity gap."""
    x = np.linspace(SUPERVISED.E, max(3.2, 1.1 * plan.teacher_loss), 300)
    student = laws.student_loss(
        np.asarray(plan.n_student), np.asarray(plan.d_student), teacher_loss=x
    )
    teacher = x.tolist()
    series = [
        Series("distilled", teacher, student.tolist()),
        Series("trained alone", teacher, [plan.supervised_loss] * len(x), color=1),
        Series("no better than the teacher", teacher, teacher, color=6),
        Series("this student", [plan.teacher_loss], [plan.student_loss], kind="points", color=3),
    ]
    title = f"Student of {show_size(plan.n_student)} on {show_size(plan.d_student)} tokens"
    labels = ("loss of the teacher, nats per token", "loss of the student, nats per token")
    marks = {"best teacher": plan.best_teacher_loss}
    return [Figure("law", title, *labels, series, marks=marks)]
