"""`plan budget`: how to split compute between a teacher and a student, and whether to distil at all."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from dsbs.config.plan import BudgetPlanConfig
from dsbs.core.sizes import show_size
from dsbs.core.tables import percent
from dsbs.planning import fitted_range
from dsbs.planning.model_sizes import student_size
from dsbs.plots.charts import Chart, Series, Table
from dsbs.scaling.compute_split import HIGH, Split, best_split, distilling_wins, trained_alone
from dsbs.scaling.flops import SCENARIOS, decoder_flops_per_token

_CHARGED = {
    "best-case": "the teacher exists and its passes are free (or shared by many students)",
    "inference": "the teacher exists; its passes over the student's tokens are charged",
    "pretraining": "the teacher is trained for this student; its passes are free",
    "both": "the teacher is trained for this student, and its passes are charged",
}


def answer(config: BudgetPlanConfig) -> dict[str, Any]:
    """The best `teacher_params`, `teacher_tokens` and `student_tokens`, the `shares` of compute, both losses, which is
    `better`, and `distilling_wins`: the ranges of compute in which distilling does.
    """
    student = student_size(config.student)
    n, compute, scenario = student.non_embedding, config.compute, config.scenario.replace("-", "_")
    split, (alone_tokens, alone_loss) = best_split(compute, scenario, n), trained_alone(compute, n)
    wins = distilling_wins(scenario, n)
    results: dict[str, Any] = {
        "compute": compute,
        "scenario": config.scenario,
        "student": student._asdict(),
        **split._asdict(),
        "shares": _shares(split, compute, scenario, n),
        "supervised_tokens": alone_tokens,
        "supervised_loss": alone_loss,
        "better": "distillation" if split.student_loss < alone_loss else "supervised",
        "distilling_wins": [
            {
                "from_compute": low,
                "to_compute": high,
                "to_student_tokens": high / (3 * decoder_flops_per_token(n)),
            }
            for low, high in wins
        ],
    }
    return results | {"sentence": _sentence(results), "rests_on": _rests_on(results)}


def tables(results: Mapping[str, Any]) -> list[Table]:
    """What the compute buys when distilling, beside training alone, and up to where distilling pays."""
    rows = [
        [
            "student tokens",
            show_size(results["student_tokens"]),
            show_size(results["supervised_tokens"]),
        ],
        ["student's loss", results["student_loss"], results["supervised_loss"]],
        ["teacher, parameters", _shown(results["teacher_params"]), None],
        ["teacher, tokens", _shown(results["teacher_tokens"]), None],
        ["teacher's loss", results["teacher_loss"], None],
    ]
    for name, share in results["shares"].items():
        alone = 1.0 if name == "student_training" else None
        rows.append([f"compute for {name.replace('_', ' ')}", percent(share), percent(alone)])
    title = f"{results['compute']:.3g} FLOPs for a student of {results['student']['name']}: {_CHARGED[results['scenario']]}"
    wins = [
        [f"{w['from_compute']:.3g}", f"{w['to_compute']:.3g}", show_size(w["to_student_tokens"])]
        for w in results["distilling_wins"]
    ]
    return [
        Table(title, ["", "distilled", "trained alone"], rows),
        Table(
            "where distilling beats training alone",
            ["from FLOPs", "to FLOPs", "tokens of training alone there"],
            wins,
        ),
    ]


def charts(results: Mapping[str, Any]) -> list[Chart]:
    """Both losses over compute, and the shares of the best split over compute."""
    n, scenario = results["student"]["non_embedding"], results["scenario"].replace("-", "_")
    x = results["compute"] * np.geomspace(1e-2, 1e2, 17)
    x = x[x > 3 * decoder_flops_per_token(n) * 2e6]
    splits = [best_split(compute, scenario, n) for compute in x]
    alone = [trained_alone(compute, n)[1] for compute in x]
    losses = [
        Series("distilled", x, [split.student_loss for split in splits]),
        Series("trained alone", x, alone, colour=1),
    ]
    shares = [
        _shares(split, compute, scenario, n) for split, compute in zip(splits, x, strict=True)
    ]
    parts = [
        Series(name.replace("_", " "), x, [s[name] for s in shares], colour=at)
        for at, name in enumerate(shares[0])
    ]
    marks = {"this compute": results["compute"]}
    return [
        Chart(
            f"student of {show_size(n)}, {results['scenario']}",
            "FLOPs",
            "loss, nats a token",
            losses,
            log_x=True,
            marks=marks,
        ),
        Chart("best split", "FLOPs", "share of the compute", parts, log_x=True, marks=marks),
    ]


def _shares(split: Split, compute: float, scenario: str, n: float) -> dict[str, float]:
    """Shares of compute that the three things take; they sum to 1."""
    charged = SCENARIOS[scenario]
    forward = decoder_flops_per_token(split.teacher_params) if split.teacher_params else 0.0
    return {
        "student_training": 3 * decoder_flops_per_token(n) * split.student_tokens / compute,
        "teacher_inference": charged.logits * forward * split.student_tokens / compute,
        "teacher_training": charged.pretraining
        * 3
        * forward
        * (split.teacher_tokens or 0.0)
        / compute,
    }


def _shown(size: float | None) -> str | None:
    return None if size is None else show_size(size)


def _sentence(results: Mapping[str, Any]) -> str:
    gap = results["supervised_loss"] - results["student_loss"]
    which = "distil" if gap > 0 else "train the student alone"
    ranges = [f"up to {w['to_compute']:.2g} FLOPs" for w in results["distilling_wins"][:1]]
    ranges += [
        f"from {w['from_compute']:.2g} to {w['to_compute']:.2g}"
        for w in results["distilling_wins"][1:]
    ]
    where = f"distilling wins {' and '.join(ranges)}" if ranges else "distilling wins nowhere"
    shares = ", ".join(
        f"{percent(share)} {name.replace('_', ' ')}" for name, share in results["shares"].items()
    )
    return (
        f"With {results['compute']:.3g} FLOPs for a student of {results['student']['name']} ({results['scenario']}), {which}: "
        f"{abs(gap):.3f} nats better; {where}; the best split when distilling is {shares}."
    )


def _rests_on(results: Mapping[str, Any]) -> list[str]:
    notes = fitted_range.leaving(
        "the student", results["student"]["non_embedding"], results["student_tokens"]
    )
    if results["teacher_params"] is not None:
        notes += fitted_range.leaving(
            "the teacher", results["teacher_params"], results["teacher_tokens"]
        )
    else:
        notes += fitted_range.leaving_loss(results["teacher_loss"])
    if results["teacher_tokens"] and results["teacher_tokens"] > HIGH / 2:
        notes.append(
            f"teacher tokens at their bound of {HIGH:g}: its training is free here, so read 'as good as its size can be'"
        )
    return [*notes, _COUNTED, fitted_range.SCALING_LAW, fitted_range.NOT_THIS_CASE]


_COUNTED = (
    "operations: eq 9 of the same paper, for decoders of fixed shape at 4096 tokens of context; gaps below about 0.003 nats "
    "are smaller than the rounding of the published coefficients, so are thresholds that rest on them"
)
