"""What a student learns from an example and its answer. Each method makes the targets its own way.

`standard`             [label] x -> y                              fine-tuning, or distillation
`step_by_step`         [label] x -> y   and   [rationale] x -> r   Hsieh et al. 2023
`rationale_then_label` [label] x -> r [label] y                    the paper's single-task ablation
`label_then_rationale` [label] x -> y [rationale] r                the better order (2406.14511)
`pinto`                [label] x [rationale] r -> y                the rationale is read: in use too
                                                                   (after PINTO, 2211.01562)
"""

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from dsbs.config.recipe_options import RationaleFilter
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
    needs_teacher,
)
from dsbs.tasks.labels import LabelKind, same_label

Prefixes = Mapping[str, str]
"""The prefix of every task: {"label": "[label] ", "rationale": "[rationale] "} by default."""


class Output(NamedTuple):
    """A student's text, taken apart. A part that is missing is None."""

    label: str | None
    rationale: str | None


def training_label(example: Example, answer: Answer | None, labels: LabelSource) -> str | None:
    """The label to learn for an example. None where it has no label of this source."""
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
    """The first usable rationales of one teacher's answer.

    As in the paper, rationales of wrong answers are learned too, unless they are filtered.

    Args:
        answer: The teacher's answer, if there is one.
        example: The example that it answers.
        kind: How labels are compared.
        wanted: "correct" keeps answers with the gold label; without gold there are none.
            "agree" keeps answers with the label `voted`.
        voted: The label that all samples and teachers together chose.
        count: Most rationales to return.
        task: The task they are learned as.
        weight: Their weight in the loss.
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
    """The training pair of one example.

    Args:
        example: The example.
        label: The label to learn.
        rationales: The rationales to learn, if any. `pinto` reads the first of them instead.
        method: Which targets are made of them.
        alpha: Weight of the label task in `step_by_step`.
        prefixes: The prefix of every task, which some methods write into a target.
        task_weights: The share of 1 - alpha of each rationale task. Default: one task has all.
        distribution: The teacher's probability of each label, where soft targets are learned.
    """
    shares = task_weights or {RATIONALE: 1.0}
    first = rationales[0].text if rationales else None
    targets = _TARGETS[method](label, rationales, alpha, prefixes, shares)
    read = student_input(method, example.input, first, prefixes)
    return TrainPair(example.id, read, targets, distribution)


def student_input(method: Method, text: str, rationale: str | None, prefixes: Prefixes) -> str:
    """What a student reads of a row: its input, and by `pinto` the teacher's rationale behind it.

    Args:
        method: The student's method.
        text: The input of the row.
        rationale: The teacher's, if there is one. Other methods ignore it.
        prefixes: The prefix of every task; that of the rationale marks it.
    """
    if not needs_teacher(method):
        return text
    return f"{text} {prefixes[RATIONALE].strip()} {rationale or ''}".rstrip()


def label_text(method: Method, label: str, prefixes: Prefixes) -> str:
    """The target of a row that has a label and no rationale."""
    (target,) = _TARGETS[method](label, (), 1.0, prefixes, {})
    return target.text


def read_output(method: Method, text: str, prefixes: Prefixes) -> Output:
    """Take a student's text apart again.

    A text without its marker has no label (rationale first), or is all label (label first).
    """
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
_MakeTargets = Callable[[str, Sequence[Rationale], float, Prefixes, _Shares], tuple[Target, ...]]


def _standard(
    label: str, rationales: Sequence[Rationale], alpha: float, prefixes: Prefixes, shares: _Shares
) -> tuple[Target, ...]:
    return (Target(LABEL, label),)


def _step_by_step(
    label: str, rationales: Sequence[Rationale], alpha: float, prefixes: Prefixes, shares: _Shares
) -> tuple[Target, ...]:
    """One target per text. Those of weight 0 are dropped, so that alpha = 1 equals `standard`."""
    targets = [Target(LABEL, label, alpha)]
    for rationale in rationales:
        weight = (1 - alpha) * shares[rationale.task] * rationale.weight
        targets.append(Target(rationale.task, rationale.text, weight))
    return tuple(target for target in targets if target.weight > 0)


def _rationale_then_label(
    label: str, rationales: Sequence[Rationale], alpha: float, prefixes: Prefixes, shares: _Shares
) -> tuple[Target, ...]:
    marker = prefixes[LABEL].strip()
    targets = [Target(LABEL, f"{r.text} {marker} {label}", r.weight) for r in rationales]
    return tuple(targets) or (Target(LABEL, f"{marker} {label}"),)


def _label_then_rationale(
    label: str, rationales: Sequence[Rationale], alpha: float, prefixes: Prefixes, shares: _Shares
) -> tuple[Target, ...]:
    marker = prefixes[RATIONALE].strip()
    targets = [Target(LABEL, f"{label} {marker} {r.text}", r.weight) for r in rationales]
    return tuple(targets) or (Target(LABEL, f"{label} {marker}"),)


_TARGETS: Mapping[Method, _MakeTargets] = {
    "standard": _standard,
    "step_by_step": _step_by_step,
    "rationale_then_label": _rationale_then_label,
    "label_then_rationale": _label_then_rationale,
    "pinto": _standard,
}
