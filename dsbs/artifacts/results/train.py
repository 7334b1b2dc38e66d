"""What `train` leaves."""

from typing import Literal

from pydantic import Field

from dsbs.artifacts.results.base import CellKey, Result
from dsbs.core.records import Method
from dsbs.metrics.collapse import Notice


class Disagreement(Result):
    """Rows that several teachers labeled, and the share of them on which their labels differ."""

    rows: int
    share: float | None = None
    """None where no row has labels of several teachers."""
    ties: int = 0
    """Rows whose joint label was a tie, which the better teacher decided."""


class AnswerRows(Result):
    """How the answers of one run of generate fit the rows that they are joined with by id."""

    run: str
    """Its folder."""
    answers: int
    without_row: int = 0
    """Answers whose id no row has."""
    changed: int = 0
    """Answers whose row had another input or another gold label."""
    other_labels: bool = False
    """Whether they were made for another kind or set of labels."""
    rows: int
    """Rows to learn from, of training and of other tasks."""
    unanswered: int = 0
    """Those of them without an answer."""


class LogEntry(Result):
    """One line of the training log. What was not logged at this step is None."""

    step: int
    loss: float | None = None
    """Mean of the steps since the last entry."""
    grad_norm: float | None = None
    learning_rate: float | None = None
    eval_accuracy: float | None = None
    """On validation."""
    clipped_steps: int | None = None
    """Steps so far whose gradient was clipped."""


class Schedule(Result):
    """One stretch of a training, over which the learning rate decays once."""

    start: int
    """Steps before it."""
    planned_end: int
    """The step at which its learning rate is 0."""
    end: int
    """The step after which it ended."""
    stopped_by: Literal["steps", "patience"] = "steps"
    best_step: int
    """That of the best weights so far."""
    best_validation_accuracy: float | None = None


class TrainSettings(Result):
    """The optimization settings in force: preset and flags together."""

    learning_rate: float
    max_steps: int
    batch_size: int
    max_input_tokens: int
    max_target_tokens: int
    eval_every: int
    patience: int = 0
    """Evaluations without a better one after which training stops; 0 for never."""


class RowCounts(Result):
    """How many rows a student learns from, and why not more."""

    n_rows: int
    """Rows of the training split."""
    n_fraction: int
    """Rows of the fraction."""
    n_extra: int = 0
    """Labeled rows of other tasks."""
    n_dropped_overlap: int = 0
    """Rows of the fraction that test also has."""
    n_train: int
    """Rows that are learned from."""
    n_explained: int = 0
    """Those of them with a rationale that is learned."""
    n_teacher_labels: int = 0
    """Those of them with the teacher's label."""
    n_distributions: int = 0
    """Those of them with a distribution over the labels that is learned."""
    teacher_disagreement: Disagreement | None = None


class Totals(Result):
    """What all steps together go through, without padding.

    With equal steps, `step_by_step` sees nearly twice the sequences of `standard`.
    """

    examples_seen: int = 0
    epochs: float = 0.0
    sequences_seen: int = 0
    input_tokens: int = 0
    target_tokens: int = 0
    train_flops: float = 0.0
    """0 for an architecture whose count dsbs does not know."""


class LostCharacters(Result):
    """Characters that do not come back from the tokens of a sample of texts."""

    texts: int
    """Texts tried."""
    changed: int
    """Those of them that lose characters."""
    share: float
    """Lost characters among all."""
    characters: dict[str, int]
    """How often each is lost, the most frequent first; at most 20."""


class TrainResult(CellKey, RowCounts, Totals):
    """What `train` leaves."""

    method: Method

    out: str
    task: str
    answer_rows: list[AnswerRows] = []
    """One per run of answers."""
    settings: TrainSettings
    cut_inputs: int = 0
    """Inputs longer than the limit."""
    cut_targets: int = 0
    steps: int = 0
    """Optimizer steps that were done, of all schedules."""
    schedules: list[Schedule] = Field(default_factory=list)
    """In order; more than one where a run that was done got more steps."""
    precision: str = "fp32"
    processes: int = 1
    sharded: bool = False
    device: str = "cpu"
    parameters: int = 0
    trained_parameters: int = 0
    tokenizer: str = ""
    """Hash of the tokenizer."""
    lost_characters: dict[str, LostCharacters] = Field(default_factory=dict)
    """What the tokenizer cannot write of `inputs` and `targets`; empty where nothing is lost."""
    validation_rows: int = 0
    """Validation rows with a label to compare with."""
    selected_by: str = "last step"
    """Labels that chose the best checkpoint: "training_labels", "gold", or "last step"."""
    best_step: int = 0
    best_validation_accuracy: float | None = None
    clipped_share: float = 0.0
    """Share of the steps whose gradient was clipped."""
    notices: list[Notice] = Field(default_factory=list)
    """Signs of collapse in the labels to learn, and in the best checkpoint's on validation."""
    log: list[LogEntry] = Field(default_factory=list)
