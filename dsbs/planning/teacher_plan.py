"""The answer of `plan teacher`."""

from collections.abc import Sequence
from typing import Literal

from dsbs.core.sizes import show_size
from dsbs.planning import fitted_range
from dsbs.planning.candidates import RankedCandidate
from dsbs.planning.capacity_gap_check import GapTest
from dsbs.planning.model_sizes import ModelSize
from dsbs.planning.plan import Part, Plan
from dsbs.scaling.coefficients import TOKENS_PER_PARAM

FLAT_NATS = 0.01
"""Teachers whose student is this close to the best count as equally good."""


class CapacityGap(Part):
    """What the law of capacity gap recommends. It counts all parameters."""

    teacher_params: float | None
    """None for a student below 7.7M, which the law does not cover."""
    ratio: float | None
    """Times the student."""
    student_loss: float | None
    """By the scaling law, with this teacher."""
    beyond_fitted: bool
    counts: Literal["all parameters"] = "all parameters"


class Flatness(Part):
    """What other sizes of the teacher cost the student, in nats per token."""

    half: float
    double: float
    near_best: tuple[float, float]
    """The sizes between which the student is within `FLAT_NATS` of its best loss."""


class ScalingLawOptimum(Part):
    """What the scaling law recommends. It counts parameters without embeddings."""

    teacher_params: float | None
    """None for a student so strong that no teacher is too good for it."""
    ratio: float | None
    teacher_loss: float
    student_loss: float
    beyond_fitted: bool
    flatness: Flatness | None
    counts: Literal["no embeddings"] = "no embeddings"


class OptimumByTokens(Part):
    """The scaling law's teacher for a student on so many tokens."""

    student_tokens_per_param: float
    teacher_params: float | None


class TeacherPlan(Plan):
    """Two recommendations that are never merged, and the user's candidates, best first."""

    student: ModelSize
    student_tokens: float
    student_tokens_given: bool
    tokens_per_param: float
    """Tokens per parameter that teachers are trained on."""
    supervised_loss: float
    """Of the student without a teacher."""
    capacity_gap: CapacityGap
    scaling_law: ScalingLawOptimum
    optimum_by_tokens: list[OptimumByTokens]
    candidates: list[RankedCandidate]
    measured: list[GapTest]
    """The law of capacity gap on measured students, where some were named."""

    def _sentence(self) -> str:
        recommended = f"{_gap_words(self.capacity_gap)}, and {_optimum_words(self.scaling_law)}"
        sentence = (
            f"For a student of {self.student.name}, {recommended}. They disagree, and neither "
            "describes your case"
        )
        words = [sentence, *(one.line() for one in self.measured)]
        if self.candidates:
            words.insert(1, _candidate_words(self.candidates))
        return "".join(f"{word}. " for word in words).strip()

    def _rests_on(self) -> list[str]:
        n = self.student.non_embedding
        ratio = self.tokens_per_param
        notes = fitted_range.leaving("the student", n, self.student_tokens)
        if (teacher := self.scaling_law.teacher_params) is not None:
            notes += fitted_range.leaving("the scaling law's teacher", teacher, ratio * teacher)
        if self.capacity_gap.beyond_fitted:
            notes.append(
                "EXTRAPOLATED: the capacity gap's teacher lies outside the fitted 70M to 2.8B"
            )
        default = f"the default of {TOKENS_PER_PARAM:g} per parameter"
        given = "as given" if self.student_tokens_given else default
        notes.append(
            f"tokens of the student: {show_size(self.student_tokens)}, {given}; teachers are "
            f"trained on {ratio:g} tokens per parameter"
        )
        laws_used = [fitted_range.CAPACITY_GAP, fitted_range.SCALING_LAW]
        return [*notes, *laws_used, fitted_range.NOT_THIS_CASE]


def _gap_words(gap: CapacityGap) -> str:
    if gap.teacher_params is None:
        return "the law of capacity gap covers no student this small"
    size = show_size(gap.teacher_params)
    return (
        f"the law of capacity gap recommends a teacher of {size}, {gap.ratio:.1f} times the student"
    )


def _optimum_words(optimum: ScalingLawOptimum) -> str:
    if optimum.teacher_params is None:
        return "by the scaling law no teacher is too good for it"
    return (
        f"the scaling law one of {show_size(optimum.teacher_params)}, {optimum.ratio:.3g} times it"
    )


def _candidate_words(candidates: Sequence[RankedCandidate]) -> str:
    """The first candidate, and the cheapest of those that are nearly as good."""
    first = candidates[0]
    why = "by measured accuracy" if first.rank_accuracy else "by the scaling law"
    words = f"Of your candidates {first.name} comes first {why}"
    best = min(candidate.student_loss for candidate in candidates)
    near = [
        (candidate.price_per_million_tokens, candidate.name)
        for candidate in candidates
        if candidate.price_per_million_tokens is not None
        and candidate.student_loss <= best + FLAT_NATS
    ]
    if not near:
        return words
    return f"{words}, and {min(near)[1]} is the cheapest within {FLAT_NATS} nats of the best"
