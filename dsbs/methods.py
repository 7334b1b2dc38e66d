"""What a student learns from an example and its answer: each method is a pure function that makes the targets.

`standard`             [label] x -> y                                    ordinary fine-tuning, or ordinary distillation
`step_by_step`         [label] x -> y   and   [rationale] x -> r         Hsieh et al. 2023, weights alpha and 1 - alpha
`rationale_then_label` [label] x -> r [label] y                          the paper's single-task ablation
`label_then_rationale` [label] x -> y [rationale] r                      the order that works better (2406.14511)
"""

from collections.abc import Callable, Mapping
from typing import NamedTuple

from dsbs.records import LABEL, RATIONALE, Answer, Example, LabelSource, Method, Target, TrainPair

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


def make_pair(
    example: Example, answer: Answer | None, *, method: Method, labels: LabelSource, alpha: float, prefixes: Prefixes
) -> TrainPair | None:
    """The pair of one example, or None where the label source has no label for it.

    A rationale is used wherever it is usable, also with gold labels and also when the teacher's own label was wrong, as
    in the paper. Which examples make a pair does not depend on the method.
    """
    label = training_label(example, answer, labels)
    if label is None:
        return None
    rationale = answer.rationale if answer is not None and answer.rationale_usable else None
    return TrainPair(example.id, example.input, _TARGETS[method](label, rationale, alpha, prefixes))


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


def _standard(label: str, rationale: str | None, alpha: float, prefixes: Prefixes) -> tuple[Target, ...]:
    return (Target(LABEL, label),)


def _step_by_step(label: str, rationale: str | None, alpha: float, prefixes: Prefixes) -> tuple[Target, ...]:
    """A target of weight 0 is left out, so that alpha = 1 is `standard`, token for token."""
    targets = [Target(LABEL, label, alpha), *([Target(RATIONALE, rationale, 1 - alpha)] if rationale else [])]
    return tuple(target for target in targets if target.weight > 0)


def _rationale_then_label(label: str, rationale: str | None, alpha: float, prefixes: Prefixes) -> tuple[Target, ...]:
    return (Target(LABEL, " ".join(filter(None, [rationale, prefixes[LABEL].strip(), label]))),)


def _label_then_rationale(label: str, rationale: str | None, alpha: float, prefixes: Prefixes) -> tuple[Target, ...]:
    return (Target(LABEL, " ".join(filter(None, [label, prefixes[RATIONALE].strip(), rationale]))),)


_TARGETS: Mapping[Method, Callable[[str, str | None, float, Prefixes], tuple[Target, ...]]] = {
    "standard": _standard,
    "step_by_step": _step_by_step,
    "rationale_then_label": _rationale_then_label,
    "label_then_rationale": _label_then_rationale,
}
