"""What a student learns from an example and its answer: each method is a pure function that makes the targets.

`standard`             [label] x -> y                                    ordinary fine-tuning, or ordinary distillation
`step_by_step`         [label] x -> y   and   [rationale] x -> r         Hsieh et al. 2023, weights alpha and 1 - alpha
`rationale_then_label` [label] x -> r [label] y                          the paper's single-task ablation
`label_then_rationale` [label] x -> y [rationale] r                      the order that works better (2406.14511)
"""

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from dsbs.config.recipe import RationaleFilter
from dsbs.core.records import (
    LABEL,
    RATIONALE,
    Answer,
    Example,
    LabelSource,
    Method,
    Rationale,
    Target,
    TrainPair,
)
from dsbs.tasks.labels import LabelKind, same_label

Prefixes = Mapping[str, str]
"""Input prefix of each task, "[label] " and "[rationale] " by default."""


class Output(NamedTuple):
    """A student's text, taken apart; a part that is not there is None."""

    label: str | None
    rationale: str | None


def training_label(example: Example, answer: Answer | None, labels: LabelSource) -> str | None:
    """The label that training may use, or None: gold, a usable teacher label, or the first of the two there is."""
    teacher = answer.label if answer is not None and answer.label_usable else None
    match labels:
        case "gold":
            return example.gold
        case "teacher":
            return teacher
        case "gold_else_teacher":
            return example.gold if example.gold is not None else teacher


def learned_rationales(
    answer: Answer | None,
    *,
    example: Example,
    kind: LabelKind,
    wanted: RationaleFilter = "none",
    voted: str | None = None,
    count: int = 1,
    task: str = RATIONALE,
    weight: float = 1.0,
) -> tuple[Rationale, ...]:
    """The first `count` usable rationales of one teacher's answer.

    As in the paper those of a wrong answer are learned too, unless `wanted` is "correct": the answer's label is the gold
    one (without gold there is nothing to learn); or "agree": it is the label that all samples and teachers `voted` for.
    """
    if answer is None or not answer.rationale_usable or not answer.rationale:
        return ()
    needed = {"none": answer.label, "correct": example.gold, "agree": voted}[wanted]
    if wanted != "none" and not same_label(kind, answer.label, needed):
        return ()
    texts = dict.fromkeys([answer.rationale, *answer.more_rationales])
    return tuple(Rationale(text, task, weight) for text in list(texts)[:count])


def make_pair(
    example: Example,
    label: str,
    rationales: Sequence[Rationale],
    *,
    method: Method,
    alpha: float,
    prefixes: Prefixes,
    task_weights: Mapping[str, float] | None = None,
    distribution: Mapping[str, float] | None = None,
) -> TrainPair:
    """The pair of one example. `task_weights` are the shares of 1 - alpha that each rationale task has; one task has all.

    Which examples make a pair depends on their labels, never on the method.
    """
    shares = task_weights or {RATIONALE: 1.0}
    return TrainPair(
        example.id,
        example.input,
        _TARGETS[method](label, rationales, alpha, prefixes, shares),
        distribution,
    )


def read_output(method: Method, text: str, prefixes: Prefixes) -> Output:
    """Take a student's label text apart again. A sequence that lacks its marker has no label, or is all label."""
    match method:
        case "rationale_then_label":
            rationale, marker, label = text.rpartition(prefixes[LABEL].strip())
            return Output(label.strip() if marker else None, rationale.strip() or None)
        case "label_then_rationale":
            label, _, rationale = text.partition(prefixes[RATIONALE].strip())
            return Output(label.strip(), rationale.strip() or None)
        case _:
            return Output(text.strip(), None)


_Shares = Mapping[str, float]


def _standard(
    label: str, found: Sequence[Rationale], alpha: float, prefixes: Prefixes, shares: _Shares
) -> tuple[Target, ...]:
    return (Target(LABEL, label),)


def _step_by_step(
    label: str, found: Sequence[Rationale], alpha: float, prefixes: Prefixes, shares: _Shares
) -> tuple[Target, ...]:
    """A target of weight 0 is left out, so that alpha = 1 is `standard`, token for token."""
    explained = [Target(r.task, r.text, (1 - alpha) * shares[r.task] * r.weight) for r in found]
    return tuple(
        target for target in [Target(LABEL, label, alpha), *explained] if target.weight > 0
    )


def _rationale_then_label(
    label: str, found: Sequence[Rationale], alpha: float, prefixes: Prefixes, shares: _Shares
) -> tuple[Target, ...]:
    marker = prefixes[LABEL].strip()
    return tuple(Target(LABEL, f"{r.text} {marker} {label}", r.weight) for r in found) or (
        Target(LABEL, f"{marker} {label}"),
    )


def _label_then_rationale(
    label: str, found: Sequence[Rationale], alpha: float, prefixes: Prefixes, shares: _Shares
) -> tuple[Target, ...]:
    marker = prefixes[RATIONALE].strip()
    return tuple(Target(LABEL, f"{label} {marker} {r.text}", r.weight) for r in found) or (
        Target(LABEL, f"{label} {marker}"),
    )


_TARGETS: Mapping[
    Method, Callable[[str, Sequence[Rationale], float, Prefixes, _Shares], tuple[Target, ...]]
] = {
    "standard": _standard,
    "step_by_step": _step_by_step,
    "rationale_then_label": _rationale_then_label,
    "label_then_rationale": _label_then_rationale,
}
