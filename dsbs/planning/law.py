"""`plan law`: what the distillation law expects of one student, term by term."""

from typing import NamedTuple

from dsbs.core.sizes import show_size
from dsbs.planning import fitted_range
from dsbs.planning.plan import Part, Plan
from dsbs.scaling import laws
from dsbs.scaling.coefficients import DISTILLATION, SUPERVISED, TOKENS_PER_PARAM

_RANGES = (
    "low and high: each coefficient is moved alone to the ends of its published 90 % interval, and "
    "the shifts are added in quadrature. Correlations are not published, and the error of leaving "
    "the fitted range is not included"
)


class KnownTeacher(NamedTuple):
    """A teacher as the law knows it."""

    loss: float
    extrapolations: list[str]
    """How it leaves the fitted range."""


class LawTerms(Part):
    """The terms of both laws.

    Distilled (eq 8): L_S = L_T + weight (size_term + data_term)^gamma'.
    Trained alone (eq 1): L = E + (size term + data term)^gamma.
    """

    teacher_loss: float
    excess_over_teacher: float
    size_term: float
    data_term: float
    own_limits: float
    """(size_term + data_term)^gamma'."""
    weight: float
    """L_T^-c0 (1 + (L_T / (Ls d1))^(1/f1))^(-c1 f1): how much the student's own limits count."""
    supervised_floor: float
    supervised_size_term: float
    supervised_data_term: float


class LawPlan(Plan):
    """The expected loss of a student with and without its teacher, in nats per token."""

    n_student: float
    """Parameters without embeddings."""
    d_student: float
    """Tokens."""
    teacher_loss: float
    student_loss: float
    student_loss_range: tuple[float, float]
    supervised_loss: float
    """Of the same student without a teacher."""
    supervised_loss_range: tuple[float, float]
    in_range: bool
    """Whether student and teacher lie in the fitted range."""
    extrapolations: list[str]
    parts: LawTerms
    best_teacher_loss: float
    """The loss of the teacher that is best for this student."""
    best_student_loss: float
    """The student's loss with that teacher."""

    def _sentence(self) -> str:
        gain = self.supervised_loss - self.student_loss
        verdict = "better" if gain > 0 else "worse"
        end = "." if self.in_range else ", by extrapolation."
        return (
            f"A student of {show_size(self.n_student)} on {show_size(self.d_student)} tokens is "
            f"expected at {self.student_loss:.3f} nats per token with a teacher at "
            f"{self.teacher_loss:.3f}, {abs(gain):.3f} {verdict} than trained alone "
            f"({self.supervised_loss:.3f}){end}"
        )

    def _rests_on(self) -> list[str]:
        laws_used = [fitted_range.SCALING_LAW, fitted_range.NOT_THIS_CASE]
        return [*self.extrapolations, _RANGES, *laws_used]


def teacher_of_loss(loss: float) -> KnownTeacher:
    """A teacher of which the loss is known."""
    return KnownTeacher(loss, fitted_range.leaving_loss(loss))


def teacher_of_size(n: float, d: float | None = None) -> KnownTeacher:
    """A teacher of n parameters on d tokens. Default: 20 tokens per parameter."""
    tokens = d or TOKENS_PER_PARAM * n
    outside = fitted_range.leaving("a teacher", n, tokens)
    return KnownTeacher(laws.supervised_loss(n, tokens), outside)


def expect_loss(n: float, d: float, *, teacher: KnownTeacher) -> LawPlan:
    """What the law expects of a student of n parameters without embeddings on d tokens."""
    outside = [*fitted_range.leaving("a student", n, d), *teacher.extrapolations]
    low, student, high = laws.student_loss_range(n, d, teacher_loss=teacher.loss)
    alone = laws.supervised_loss_range(n, d)
    best = laws.optimal_teacher_loss(n, d)
    return LawPlan(
        n_student=n,
        d_student=d,
        teacher_loss=teacher.loss,
        student_loss=student,
        student_loss_range=(low, high),
        supervised_loss=alone.value,
        supervised_loss_range=(alone.low, alone.high),
        in_range=not outside,
        extrapolations=outside,
        parts=law_terms(n, d, teacher.loss),
        best_teacher_loss=best,
        best_student_loss=laws.student_loss(n, d, teacher_loss=best),
    )


def law_terms(n: float, d: float, teacher_loss: float) -> LawTerms:
    """The terms that the losses are made of."""
    size = DISTILLATION.A / n**DISTILLATION.alpha
    data = DISTILLATION.B / d**DISTILLATION.beta
    own_limits = (size + data) ** DISTILLATION.gamma
    excess = laws.student_loss(n, d, teacher_loss=teacher_loss) - teacher_loss
    return LawTerms(
        teacher_loss=teacher_loss,
        excess_over_teacher=excess,
        size_term=size,
        data_term=data,
        own_limits=own_limits,
        weight=excess / own_limits,
        supervised_floor=SUPERVISED.E,
        supervised_size_term=SUPERVISED.A / n**SUPERVISED.alpha,
        supervised_data_term=SUPERVISED.B / d**SUPERVISED.beta,
    )
