"""`plan budget`: how to split compute between teacher and student, and whether to distill."""

from typing import Literal

from dsbs.core.tables import percent
from dsbs.planning import fitted_range
from dsbs.planning.model_sizes import ModelSize
from dsbs.planning.plan import Part, Plan
from dsbs.planning.published_rules import Case, Shares
from dsbs.planning.rules_of_thumb import RULES_SCENARIO, RuleOfThumb, rules_of_thumb
from dsbs.scaling.compute_split import HIGH, Split, best_split, distilling_wins, trained_alone
from dsbs.scaling.flops import SCENARIOS, decoder_flops_per_token

_CHARGED = {
    "best-case": "the teacher exists and its passes are free (or shared by many students)",
    "inference": "the teacher exists; its passes over the student's tokens are charged",
    "pretraining": "the teacher is trained for this student; its passes are free",
    "both": "the teacher is trained for this student, and its passes are charged",
}
_COUNTED = (
    "operations: eq 9 of the same paper, for decoders of a fixed shape with 4096 tokens of "
    "context. Gaps below about 0.003 nats are smaller than the rounding of the published "
    "coefficients, and so are thresholds that rest on them"
)


class Win(Part):
    """A range of compute in which distilling beats training alone."""

    from_compute: float
    to_compute: float
    to_student_tokens: float
    """The tokens that `to_compute` pays for when it trains the student alone."""


class BudgetPlan(Plan):
    """The best use of some compute: distilling, beside training the student alone."""

    compute: float
    """Floating-point operations."""
    scenario: str
    """Which of the teacher's operations are charged."""
    student: ModelSize
    student_tokens: float
    teacher_params: float | None
    """None where the teacher exists and costs nothing."""
    teacher_tokens: float | None
    teacher_loss: float
    student_loss: float
    shares: Shares
    supervised_tokens: float
    supervised_loss: float
    better: Literal["distillation", "supervised"]
    distilling_wins: list[Win]
    rules_of_thumb: list[RuleOfThumb]
    """What is published for such budgets and students, beside this optimum."""

    def _sentence(self) -> str:
        gap = self.supervised_loss - self.student_loss
        which = "distill" if gap > 0 else "train the student alone"
        shares = ", ".join(
            f"{percent(share)} {name.replace('_', ' ')}" for name, share in self.shares
        )
        return (
            f"With {self.compute:.3g} FLOPs for a student of {self.student.name} "
            f"({self.scenario}), {which}: {abs(gap):.3f} nats better. "
            f"{_where(self.distilling_wins)}. The best split when distilling is {shares}."
        )

    def _rests_on(self) -> list[str]:
        notes = fitted_range.leaving("the student", self.student.non_embedding, self.student_tokens)
        if self.teacher_params is None or self.teacher_tokens is None:
            notes += fitted_range.leaving_loss(self.teacher_loss)
        else:
            notes += fitted_range.leaving("the teacher", self.teacher_params, self.teacher_tokens)
            if self.teacher_tokens > HIGH / 2:
                notes.append(
                    f"the teacher's tokens are at their bound of {HIGH:g}, because its training is "
                    "free here: its loss is the best that its size can reach"
                )
        charged = f"scenario {self.scenario}: {_CHARGED[self.scenario]}"
        return [*notes, charged, _COUNTED, fitted_range.SCALING_LAW, fitted_range.NOT_THIS_CASE]


def split_budget(compute: float, student: ModelSize, *, scenario: str) -> BudgetPlan:
    """The split of `compute` with the lowest student loss; `scenario` is a key of `SCENARIOS`.

    Raises:
        InputError: where the compute does not pay for 1e6 student tokens.
    """
    n = student.non_embedding
    split = best_split(compute, scenario, n)
    alone_tokens, alone_loss = trained_alone(compute, n)
    wins = [
        Win(
            from_compute=low,
            to_compute=high,
            to_student_tokens=high / (3 * decoder_flops_per_token(n)),
        )
        for low, high in distilling_wins(scenario, n)
    ]
    return BudgetPlan(
        compute=compute,
        scenario=scenario,
        student=student,
        **split._asdict(),
        shares=split_shares(split, compute, scenario, n),
        supervised_tokens=alone_tokens,
        supervised_loss=alone_loss,
        better="distillation" if split.student_loss < alone_loss else "supervised",
        distilling_wins=wins,
        rules_of_thumb=_rules(compute, scenario, n, alone_loss - split.student_loss),
    )


def _rules(compute: float, scenario: str, n: float, gain: float) -> list[RuleOfThumb]:
    """The published rules; `gain` is by how many nats distilling beats training alone."""
    split = best_split(compute, RULES_SCENARIO, n)
    return rules_of_thumb(
        Case(
            compute=compute,
            student_params=n,
            charges_training=bool(SCENARIOS[scenario].pretraining),
            shares=split_shares(split, compute, RULES_SCENARIO, n),
            supervised_gain=-gain,
        )
    )


def split_shares(split: Split, compute: float, scenario: str, n_student: float) -> Shares:
    """The shares of compute that a split gives to each thing."""
    charged = SCENARIOS[scenario]
    forward = decoder_flops_per_token(split.teacher_params) if split.teacher_params else 0.0
    teacher_training = 3 * forward * (split.teacher_tokens or 0.0)
    student_training = 3 * decoder_flops_per_token(n_student) * split.student_tokens
    return Shares(
        student_training=student_training / compute,
        teacher_inference=charged.logits * forward * split.student_tokens / compute,
        teacher_training=charged.pretraining * teacher_training / compute,
    )


def _where(wins: list[Win]) -> str:
    """The ranges of compute in which distilling wins, in words."""
    if not wins:
        return "Distilling wins nowhere"
    ranges = [f"up to {wins[0].to_compute:.2g} FLOPs"]
    ranges += [f"from {win.from_compute:.2g} to {win.to_compute:.2g}" for win in wins[1:]]
    return f"Distilling wins {' and '.join(ranges)}"
