"""Rules of thumb of the scaling law's paper, beside the optimum of its own printed coefficients.

Busbridge et al. 2025, Table 3 (scenario `both`: the teacher's training and its passes are charged)
and section 5, and the shorter forms in which the rules are passed on. The shares of an optimum are
those of `compute_split.best_split`.
"""

from dsbs.planning.plan import Part
from dsbs.planning.published_rules import PUBLISHED_RULES, Case, PublishedRule, Shares

RULES_SCENARIO = "both"

_ROUNDING = 0.003
"""Nats. Smaller gaps rest on the rounding of the printed coefficients."""
_SECTION = "Busbridge et al. 2025, section 5"


class RuleOfThumb(Part):
    """A published rule, and whether the optimum of the printed coefficients agrees with it."""

    rule: str
    source: str
    holds_for: str
    """The budgets, students or scenarios that it is stated for."""
    applies: bool
    """Whether it is stated for this budget, student and scenario."""
    optimum: str
    """What the planner's own optimum has in its place."""
    agrees: bool | None
    """None where the rule does not apply."""
    why: str
    """Why they agree or differ, or why the rule does not apply."""


def rules_of_thumb(case: Case) -> list[RuleOfThumb]:
    """Every rule beside the optimum, in the order of `PUBLISHED_RULES`; the supervised one last."""
    return [*(_judged(rule, case) for rule in PUBLISHED_RULES), _supervised(case)]


def _judged(rule: PublishedRule, case: Case) -> RuleOfThumb:
    applies = rule.applies(case)
    agrees = rule.agrees(case.shares) if applies else None
    if agrees is None:
        why = f"stated for {rule.holds_for}"
    elif agrees:
        why = "the printed coefficients give the same"
    else:
        why = rule.why_not(case)
    return RuleOfThumb(
        rule=rule.text,
        source=rule.source,
        holds_for=rule.holds_for,
        applies=applies,
        optimum=_in_words(case.shares),
        agrees=agrees,
        why=why,
    )


def _supervised(case: Case) -> RuleOfThumb:
    """Whether the teacher's training is worth it for one student."""
    gain = case.supervised_gain
    better = "training alone" if gain > 0 else "distilling"
    why = "the scenario does not charge the teacher's training: it exists or serves others too"
    if case.charges_training:
        why = "one student has to pay for the teacher's whole training"
        if gain <= 0:
            why = "the student is starved at this compute, and a teacher helps it even so"
        if abs(gain) < _ROUNDING:
            why += f"; the gap is within the {_ROUNDING} nats that rounding makes up"
    return RuleOfThumb(
        rule="supervised training when the teacher serves once",
        source=_SECTION,
        holds_for="scenarios that charge the teacher's training",
        applies=case.charges_training,
        optimum=f"{better}, by {abs(gain):.3f} nats",
        agrees=gain > 0 if case.charges_training else None,
        why=why,
    )


def _in_words(shares: Shares) -> str:
    return (
        f"{shares.student_training:.0%} student, {shares.teacher_inference:.0%} teacher's passes, "
        f"{shares.teacher_training:.0%} teacher's training"
    )
