"""What passes between the stages: rows -> Example -> Completion -> Answer -> TrainPair -> Prediction."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, get_args

Split = Literal["train", "validation", "test", "extra"]
SPLITS: tuple[Split, ...] = get_args(Split)
"""`extra` holds the unlabelled inputs of another task that only training may use."""

Outcome = Literal[
    "ok", "no_label", "label_not_allowed", "empty_rationale", "cut_off", "refused", "failed"
]
OUTCOMES: tuple[Outcome, ...] = get_args(Outcome)

LabelMatch = Literal["exact", "folded", "letter", "none"]
"""How a stated label was recognised: letter by letter, after folding case and spaces, or only by its option letter."""

Method = Literal["standard", "step_by_step", "rationale_then_label", "label_then_rationale"]
METHODS: tuple[Method, ...] = get_args(Method)

LabelSource = Literal["gold", "teacher", "gold_else_teacher"]
"""Whose labels a student learns."""

LABEL, RATIONALE = "label", "rationale"
"""The two tasks a student learns at once; each has its own input prefix."""


@dataclass(frozen=True, slots=True)
class Example:
    """One row of a task.

    `id` is made of the part of the source, a hash of the content and an occurrence number (or given by the user), never
    of a row's position. `input` is what the student reads; `choices` are the options of this row (label kind `choice`);
    `gold` is the normalised gold label, or None where the row has none.
    """

    id: str
    split: Split
    fields: Mapping[str, Any]
    input: str
    choices: tuple[str, ...] = ()
    gold: str | None = None
    group: str | None = None


@dataclass(frozen=True, slots=True)
class Completion:
    """What a teacher said to one prompt, unchanged. `finish_reason` and token counts are None where nobody told them.

    `reasoning` is a trace that the server kept apart from the text. `label_scores` are log-probabilities of given labels,
    where they were asked for instead of text. `error` says why there is no answer.
    """

    id: str
    text: str
    finish_reason: str | None = None
    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    cached_tokens: int | None = None
    reasoning: str | None = None
    label_scores: Mapping[str, float] | None = None
    error: str | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """What a teacher answered to an example, read. `label` is what it is scored by; it is trained on only where
    `label_usable`. With several samples it is the winner of their vote, `distribution` may be their shares, and
    `more_rationales` are further ones that argue for it.
    """

    example_id: str
    outcome: Outcome
    rationale: str | None = None
    label: str | None = None
    match: LabelMatch = "none"
    distribution: Mapping[str, float] | None = None
    more_rationales: tuple[str, ...] = ()

    @property
    def label_usable(self) -> bool:
        return self.label is not None and self.outcome in ("ok", "empty_rationale")

    @property
    def rationale_usable(self) -> bool:
        return bool(self.rationale) and self.outcome in ("ok", "label_not_allowed")


@dataclass(frozen=True, slots=True)
class Rationale:
    """A rationale to learn: its text, the task it belongs to, and its weight among the rationales of its example."""

    text: str
    task: str = RATIONALE
    weight: float = 1.0


@dataclass(frozen=True, slots=True)
class Target:
    """One text the student shall produce: for which task (its input prefix), with which weight in the loss."""

    task: str
    text: str
    weight: float = 1.0


@dataclass(frozen=True, slots=True)
class TrainPair:
    """The only thing a student sees. No rationale, or several, are legal.

    `distribution` is the teacher's over all labels that the example may have, where soft targets are learned.
    """

    example_id: str
    input: str
    targets: tuple[Target, ...]
    distribution: Mapping[str, float] | None = None


@dataclass(frozen=True, slots=True)
class Prediction:
    """What a student said: raw text, the label read from it, and the verdict, so that a run is re-scored without a model.

    `correct` is None where there is nothing to compare with; `scores` are log-likelihoods of the allowed labels.
    """

    example_id: str
    raw: str
    label: str | None
    gold: str | None = None
    correct: bool | None = None
    rationale: str | None = None
    scores: Mapping[str, float] | None = field(default=None)


@dataclass(frozen=True, slots=True)
class NearDuplicate:
    """A test input and a training input that are nearly the same; `words` is the share of words that they have in common."""

    test: str
    train: str
    how: Literal["near", "but_for_numbers"]
    words: float


@dataclass(frozen=True, slots=True)
class NearDuplicates:
    """Test inputs that training has nearly seen."""

    train_rows: int
    test_rows: int
    near: int | None
    """Test inputs that share most words with a training input; None where nobody looked."""
    but_for_numbers: int
    """Test inputs that repeat a line of a training input, but for its numbers."""
    pairs: tuple[NearDuplicate, ...]
