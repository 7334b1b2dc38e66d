"""What `train` leaves."""

from dsbs.artifacts.results.base import CellKey, Result


class Disagreement(Result):
    """Rows that several teachers labeled, and the share of them on which their labels differ."""

    rows: int
    share: float | None = None


class LogEntry(Result):
    """One line of the training log; what was not logged at this step is None."""

    step: int
    loss: float | None = None
    grad_norm: float | None = None
    learning_rate: float | None = None
    eval_accuracy: float | None = None
    clipped_steps: int | None = None


class TrainSettings(Result):
    """The optimization settings in force: preset and flags together."""

    learning_rate: float
    max_steps: int
    batch_size: int
    max_input_tokens: int
    max_target_tokens: int
    eval_every: int


class TrainResult(CellKey):
    """What `train` leaves."""

    out: str
    task: str
    settings: TrainSettings
    n_rows: int
    n_fraction: int
    n_extra: int = 0
    n_dropped_overlap: int = 0
    n_train: int
    n_explained: int = 0
    teacher_disagreement: Disagreement | None = None
    examples_seen: int = 0
    epochs: float = 0.0
    sequences_seen: int = 0
    input_tokens: int = 0
    target_tokens: int = 0
    train_flops: float = 0.0
    cut_inputs: int = 0
    cut_targets: int = 0
    precision: str = "fp32"
    processes: int = 1
    sharded: bool = False
    device: str = "cpu"
    parameters: int = 0
    trained_parameters: int = 0
    tokenizer: str = ""
    validation_rows: int = 0
    selected_by: str = "last step"
    best_step: int = 0
    best_validation_accuracy: float | None = None
    clipped_share: float = 0.0
    log: list[LogEntry] = []
