"""What `compare` leaves."""

from typing import Literal

from pydantic import computed_field

from dsbs.artifacts.results.base import CellKey, Interval, Result, Score, Status
from dsbs.artifacts.results.generate import SplitSummary
from dsbs.core.records import LabelSource, Method, NearDuplicates


class CellResult(CellKey):
    """One cell of a comparison. Scores are None where it failed; `error` says why."""

    name: str
    equal: str
    learning_rate: float
    out: str
    status: Literal["done", "failed"]
    error: str | None = None
    predictions: str | None = None
    score: Score | None = None
    unparsable: float | None = None
    chance: float | None = None
    teacher_accuracy: float | None = None
    flags: list[str] = []
    """`at_chance`: its interval reaches chance. `unparsable`: it mostly gives no readable label."""
    steps: int | None = None
    n_fraction: int | None = None
    n_train: int | None = None
    epochs: float | None = None
    sequences_seen: int | None = None
    target_tokens: int | None = None
    train_flops: float | None = None
    clipped_share: float | None = None
    selected_by: str | None = None
    validation_accuracy: float | None = None

    @computed_field
    def accuracy(self) -> float | None:
        """Against gold labels; None where it failed or there are none."""
        return self.score.share_against("gold") if self.score else None

    @computed_field
    def teacher_agreement(self) -> float | None:
        """Against the teacher's labels, where the data has no gold labels."""
        return self.score.share_against("teacher") if self.score else None


class Group(Result):
    """The cells of equal settings, over their seeds. Means are of those that are done."""

    student: str
    labels: LabelSource
    data_frac: float
    method: Method
    equal: str
    seeds: int
    done: int
    failed: int
    at_chance: int = 0
    unparsable: int = 0
    n_train: int | None = None
    learning_rate: float | None = None
    epochs: float | None = None
    target_tokens: int | None = None
    train_flops: float | None = None
    mean: float | None = None
    mean_learned: float | None = None
    standard_error: float | None = None
    ci95_seeds: Interval | None = None
    ci95_examples: Interval | None = None


class CheckpointClaim(Result):
    """McNemar's exact test of the two students of one seed."""

    seed: int
    n: int
    only_first: int
    only_second: int
    p: float
    p_holm: float = 1.0


class Side(Result):
    """The method that a claim compares with."""

    method: Method
    equal: str


class Claim(Result):
    """What may be said of two methods at the same student, labels and fraction."""

    student: str
    labels: LabelSource
    data_frac: float
    method: Method
    equal: str
    against: Side
    seeds: list[int]
    strength: Literal["refused", "weak", "full"]
    """`refused` below 3 common seeds, `weak` below 5. A refused claim has no difference, interval or p."""
    stuck: tuple[int, int]
    """Seeds of each side whose student did not learn."""
    checkpoints: list[CheckpointClaim] = []
    difference: float | None = None
    ci95_seeds_and_examples: Interval | None = None
    cohens_d: float | None = None
    p: float | None = None
    p_holm: float | None = None
    comparisons: int = 0
    """How many claims `p_holm` is corrected for."""


class DataNeed(Result):
    """The least data with which a method is at least as good as another method or the teacher."""

    student: str
    labels: LabelSource
    method: Method
    against: str
    at: float | None = None
    """The fraction of the other method; None where it is the teacher."""
    seeds: int
    fractions: list[float]
    differences: list[float]
    ci95_seeds_and_examples: list[Interval | None]
    estimate: float | None = None
    possible: float | None = None
    certain: float | None = None


class Detectable(Result):
    """The smallest differences between two checkpoints that a test set shows with this power, and what that assumes."""

    examples: int
    accuracy: float
    discordant: float
    measured: bool
    power: float = 0.8
    paired: float | None = None
    unpaired: float | None = None


class Tuned(Result):
    """One learning rate that `--tune lr` tried."""

    student: str
    method: Method
    labels: LabelSource
    equal: str
    name: str
    learning_rate: float
    status: Literal["done", "failed"]
    validation_accuracy: float | None = None
    chosen: bool = False


class CompareResult(Result):
    """What `compare` leaves."""

    out: str
    task: str
    equal: str
    decode: str
    status: Status = "done"
    teacher_accuracy: float | None = None
    tuning: list[Tuned] = []
    cells: list[CellResult]
    groups: list[Group] = []
    claims: list[Claim] = []
    minimum_detectable: Detectable | None = None
    data_needed: list[DataNeed] = []
    duplicates: NearDuplicates | None = None
    teacher: dict[str, SplitSummary] = {}
    """The teacher's answers by split."""
