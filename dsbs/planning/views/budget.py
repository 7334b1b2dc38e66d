"""Tables and figures of `plan budget`."""

from typing import Any

import numpy as np

from dsbs.core.sizes import show_size
from dsbs.core.tables import Share
from dsbs.planning.budget import BudgetPlan, split_shares
from dsbs.planning.published_rules import Shares
from dsbs.planning.rules_of_thumb import RuleOfThumb
from dsbs.plots.figure import Figure, Series
from dsbs.plots.table import Table
from dsbs.scaling.compute_split import LOW, best_split, trained_alone
from dsbs.scaling.flops import decoder_flops_per_token


def tables(plan: BudgetPlan) -> list[Table]:
    """What the compute buys when distilling and alone, and the compute at which distilling pays."""
    tokens = [show_size(plan.student_tokens), show_size(plan.supervised_tokens)]
    rows: list[list[Any]] = [
        ["tokens of the student", *tokens],
        ["loss of the student", plan.student_loss, plan.supervised_loss],
        ["parameters of the teacher", _size(plan.teacher_params), None],
        ["tokens of the teacher", _size(plan.teacher_tokens), None],
        ["loss of the teacher", plan.teacher_loss, None],
    ]
    for name, share in plan.shares:
        alone = Share(1.0) if name == "student_training" else None
        rows.append([f"compute for {name.replace('_', ' ')}", Share(share), alone])
    wins = [
        [f"{win.from_compute:.3g}", f"{win.to_compute:.3g}", show_size(win.to_student_tokens)]
        for win in plan.distilling_wins
    ]
    title = f"{plan.compute:.3g} FLOPs for a student of {plan.student.name}, {plan.scenario}"
    columns = ["from FLOPs", "to FLOPs", "tokens of training alone there"]
    return [
        Table("split", title, ["", "distilled", "trained alone"], rows),
        Table("wins", "Where distilling beats training alone", columns, wins),
        _rules(plan),
    ]


def figures(plan: BudgetPlan) -> list[Figure]:
    """Both losses over compute, and the shares of the best split over compute."""
    n = plan.student.non_embedding
    around = plan.compute * np.geomspace(1e-2, 1e2, 17)
    enough = 3 * decoder_flops_per_token(n) * 2 * LOW
    computes = around[around > enough].tolist()
    splits = [best_split(compute, plan.scenario, n) for compute in computes]
    alone = [trained_alone(compute, n)[1] for compute in computes]
    losses = [
        Series("distilled", computes, [split.student_loss for split in splits]),
        Series("trained alone", computes, alone, color=1),
    ]
    shares = [
        split_shares(split, compute, plan.scenario, n)
        for split, compute in zip(splits, computes, strict=True)
    ]
    parts = [
        Series(name.replace("_", " "), computes, [getattr(s, name) for s in shares], color=at)
        for at, name in enumerate(Shares.model_fields)
    ]
    title = f"Student of {show_size(n)}, {plan.scenario}"
    marks = {"this compute": plan.compute}
    return [
        Figure("loss", title, "FLOPs", "loss, nats per token", losses, log_x=True, marks=marks),
        Figure("shares", "Best split", "FLOPs", "share of compute", parts, log_x=True, marks=marks),
    ]


def _rules(plan: BudgetPlan) -> Table:
    rows = [
        [rule.rule, rule.source, rule.optimum if rule.applies else None, _verdict(rule), rule.why]
        for rule in plan.rules_of_thumb
    ]
    title = "Published rules of thumb beside the optimum that charges training and passes"
    return Table("rules", title, ["rule", "source", "optimum", "agrees", "why"], rows)


def _verdict(rule: RuleOfThumb) -> str:
    if rule.agrees is None:
        return "does not apply"
    return "yes" if rule.agrees else "no"


def _size(size: float | None) -> str | None:
    return None if size is None else show_size(size)
