"""What passes between stages: row -> Example -> Completion -> Answer -> TrainPair -> Prediction."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple, get_args

Split = Literal["train", "validation", "test", "extra"]
SPLITS: tuple[Split, ...] = get_args(Split)
"""`extra` holds unlabeled inputs of another task; only training uses them."""

Outcome = Literal[
    "ok", "no_label", "label_not_allowed", "empty_rationale", "cut_off", "refused", "failed"
]
OUTCOMES: tuple[Outcome, ...] = get_args(Outcome)

LabelMatch = Literal["exact", "folded", "letter", "none"]
"""How a label was recognized.

`exact`: character by character. `folded`: after markup, case and spaces are removed. `letter`: only
by the letter of its option. `none`: not at all.
"""

Reason = Literal["ambiguous", "continues", "negated", "mismatch"]
"""Why a label that was found is not allowed.

`ambiguous`: the answer names several labels. `continues`: the label is only the beginning of what
is stated, such as the 4 of 4.5. `negated`: the answer rejects it or takes it back. `mismatch`: the
letter of an option stands before words that are not that option.
"""

Method = Literal[
    "standard", "step_by_step", "rationale_then_label", "label_then_rationale", "pinto"
]
METHODS: tuple[Method, ...] = get_args(Method)


def needs_teacher(method: "LearnedBy") -> bool:
    """Whether a student of this method reads the teacher's rationale of every row in use."""
    return method == "pinto"


FamilyName = Literal["encoder-decoder", "decoder-only", "encoder"]
"""How a student reads an input and gives a label.

`encoder-decoder`: reads the input, writes the target (T5). `decoder-only`: writes the target behind
the input (Gemma, Qwen, SmolLM). `encoder`: reads the input and scores the allowed labels (BERT).
"""
Baseline = Literal["majority", "tfidf", "embedding", "input-ablated"]
BASELINES: tuple[Baseline, ...] = get_args(Baseline)
"""Models that need no training of a network, which a student must beat."""

BASELINE = "baseline:"
LearnedBy = Literal[
    Method,
    "baseline:majority",
    "baseline:tfidf",
    "baseline:embedding",
    "baseline:input-ablated",
]
"""The method of a student, or `BASELINE` and the name of a baseline."""

LabelSource = Literal["gold", "teacher", "gold_else_teacher"]
"""Whose labels a student learns."""

LabelScores = Literal["without", "after", "averaged", "top_logprobs"]
"""How a teacher's probabilities of labels are found: by scoring each label without a rationale,
after it, or averaged over the samples' rationales; or in the answer itself, by the alternatives
that a chat server gives for its tokens."""

LABEL = "label"
RATIONALE = "rationale"
"""The two tasks that a student learns together. Each has its own input prefix."""


@dataclass(frozen=True, slots=True)
class Example:
    """One row of a task."""

    id: str
    """Made of the source's part, a hash of the content and an occurrence number, or the user's own.

    It is never made of a row's position.
    """
    split: Split
    fields: Mapping[str, Any]
    """What prompt templates read."""
    input: str
    """What the student reads."""
    choices: tuple[str, ...] = ()
    """The options of this row, for label kind `choice`."""
    gold: str | None = None
    """The normalized gold label; None where the row has none."""
    group: str | None = None
    """Rows of one group never come into different splits."""
    rationale: str | None = None
    """The teacher's, for students that read it in use; see `needs_teacher`."""


@dataclass(frozen=True, slots=True)
class AnswerToken:
    """A token of an answer, and what might have stood in its place."""

    text: bytes
    """Part of a character where a tokenizer cuts there."""
    logprobs: Mapping[bytes, float]
    """Log-probabilities of the likeliest tokens at this place."""


@dataclass(frozen=True, slots=True)
class Completion:
    """What a teacher answered to one prompt, unchanged."""

    id: str
    text: str
    finish_reason: str | None = None
    """None where the teacher does not report it; so are the token counts."""
    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    cached_tokens: int | None = None
    reasoning: str | None = None
    """A reasoning trace that the server kept apart from the text."""
    label_scores: Mapping[str, float] | None = None
    """Log-probabilities of labels: scored instead of text, or read at the answer's label."""
    tokens: tuple[AnswerToken, ...] = ()
    """The answer's tokens where their alternatives were requested. They are not stored."""
    error: str | None = None
    """Why there is no answer."""


@dataclass(frozen=True, slots=True)
class Answer:
    """A teacher's answer to an example, as it was read.

    Of several samples it is the winner of their vote.
    """

    example_id: str
    outcome: Outcome
    rationale: str | None = None
    label: str | None = None
    """What the teacher is scored by. It is learned only where `label_usable`."""
    match: LabelMatch = "none"
    distribution: Mapping[str, float] | None = None
    """Probabilities of labels, or their shares among several samples."""
    more_rationales: tuple[str, ...] = ()
    """Rationales of further samples with the same label."""
    reason: Reason | None = None
    """Why the outcome is `label_not_allowed`; None where no label was found at all."""
    tied: bool = False
    """Whether another label was as likely: of several samples, or of several teachers."""

    @property
    def label_usable(self) -> bool:
        """Whether the label may be learned."""
        return self.label is not None and self.outcome in ("ok", "empty_rationale")

    @property
    def rationale_usable(self) -> bool:
        """Whether the rationale may be learned."""
        return bool(self.rationale) and self.outcome in ("ok", "label_not_allowed")


@dataclass(frozen=True, slots=True)
class Rationale:
    """A rationale to learn."""

    text: str
    task: str = RATIONALE
    """The task it belongs to."""
    weight: float = 1.0
    """Its weight among the rationales of its example."""


@dataclass(frozen=True, slots=True)
class Target:
    """One text that the student learns to produce."""

    task: str
    """The task it belongs to, which decides the input prefix."""
    text: str
    weight: float = 1.0
    """Its weight in the loss."""


@dataclass(frozen=True, slots=True)
class TrainPair:
    """The only thing that a student sees. It may have no rationale, or several."""

    example_id: str
    input: str
    targets: tuple[Target, ...]
    distribution: Mapping[str, float] | None = None
    """The teacher's, over all labels that the example may have, where soft targets are learned."""


class Tokens(NamedTuple):
    """How many tokens a model read and wrote."""

    read: int
    written: int


@dataclass(frozen=True, slots=True)
class Prediction:
    """A student's output, the label read from it, and the verdict.

    The raw text is kept, so that a run can be scored again without the model.
    """

    example_id: str
    raw: str
    label: str | None
    gold: str | None = None
    correct: bool | None = None
    """None where there is no gold label."""
    rationale: str | None = None
    scores: Mapping[str, float] | None = None
    """Log-likelihoods of the allowed labels."""
    input_hash: str | None = None
    """What was read of the row, where the prediction is measured: see `tasks.fingerprint`."""
    group: str | None = None
    """That of the example."""
    tokens: Tokens | None = None
    """Of the input and of the label, where somebody asked for them."""


@dataclass(frozen=True, slots=True)
class NearDuplicate:
    """A test input and a training input that are nearly the same; `words` is their common share."""

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
    """The first ones."""
    tests: tuple[str, ...] = ()
    """Ids of all test inputs that have a near-duplicate, each once."""
