"""The cells of a comparison, and the groups of cells that differ in their seed only."""

from collections.abc import Hashable
from typing import Literal

from pydantic import computed_field

from dsbs.artifacts.results.base import CellKey, Interval, Result, Score, Setting
from dsbs.artifacts.results.compared import Levels
from dsbs.config.compare import Equal
from dsbs.core.records import BASELINE, LearnedBy, needs_teacher
from dsbs.metrics.collapse import Notice

Flag = Literal["at_chance", "unparsable", "one_label"]
"""Why a student counts as not having learned; `dsbs.metrics.collapse` decides.

`at_chance`: its accuracy is not shown to beat chance. `unparsable`: most of its outputs have no
readable label. `one_label`: nearly all its labels are one, and those it is compared with are not.
"""


class Variant(Result):
    """A method, and what its training has in common with that of the other methods."""

    method: LearnedBy
    equal: Equal

    @property
    def is_baseline(self) -> bool:
        """Whether it is no student's."""
        return self.method.startswith(BASELINE)

    @property
    def variant(self) -> tuple[str, str]:
        """Method and `equal` as a key."""
        return (self.method, self.equal)


class GroupKey(Setting, Variant, Levels):
    """What cells share that differ in their seed only."""

    @property
    def setting(self) -> tuple[Hashable, ...]:
        """All that students must share before their methods are compared."""
        return (self.student, self.labels, self.data_frac, *self.levels.items())

    @property
    def group(self) -> tuple[Hashable, ...]:
        """All of it as a key."""
        return (*self.setting, *self.variant)


class CellResult(CellKey, GroupKey):
    """One cell of a comparison. Its scores are None if it failed."""

    name: str
    """Name of its folder among the cells."""
    learning_rate: float | None = None
    out: str
    status: Literal["done", "failed"]
    error: str | None = None
    """Why it failed."""
    predictions: str | None = None
    """Path of its predictions on test, relative to the folder of the comparison."""
    score: Score | None = None
    published_accuracy: float | None = None
    """Share of right answers by the rule of the published code. None in older results."""
    unparsable: float | None = None
    """Share of outputs without a readable label."""
    chance: float | None = None
    """Accuracy of a student that has learned nothing."""
    teacher_accuracy: float | None = None
    teacher_score: Score | None = None
    """The same with its interval."""
    flags: list[Flag] = []
    notices: list[Notice] = []
    """Signs of collapse in its training and on test."""
    steps: int | None = None
    """Optimizer steps of its training."""
    n_fraction: int | None = None
    """Training rows in the fraction, before any are dropped."""
    n_train: int | None = None
    """Training rows that it learned from."""
    n_explained: int | None = None
    """Those of them with a rationale that it learned."""
    epochs: float | None = None
    sequences_seen: int | None = None
    target_tokens: int | None = None
    train_flops: float | None = None
    clipped_share: float | None = None
    """Share of optimizer steps whose gradient was clipped."""
    selected_by: str | None = None
    """What chose its checkpoint."""
    validation_accuracy: float | None = None
    device: str = "cpu"
    """What it was trained on."""
    train_s: float | None = None
    """Core-seconds of its training; device-seconds where that was no processor."""
    call_s: float | None = None
    """The same of labeling one test row, in batches."""
    latency_ms: float | None = None
    """Time from question to label, in batches: the share of one row."""

    @computed_field
    def accuracy(self) -> float | None:
        """Share of correct answers; None if it failed or the test rows have no gold labels."""
        return self.score.share_against("gold") if self.score else None

    @computed_field
    def teacher_agreement(self) -> float | None:
        """Share of answers like the teacher's, where the test rows have no gold labels."""
        return self.score.share_against("teacher") if self.score else None


class Group(GroupKey):
    """The cells that differ in their seed only. Means are over the cells that are done."""

    @computed_field  # type: ignore[prop-decorator]
    @property
    def needs_teacher(self) -> bool:
        """Whether its students read the teacher's rationale of every row in use."""
        return needs_teacher(self.method)

    seeds: int
    """Number of its cells."""
    done: int
    failed: int
    at_chance: int = 0
    """Number of cells with this flag."""
    unparsable: int = 0
    """Number of cells with this flag."""
    one_label: int = 0
    """Number of cells with this flag."""
    n_train: int | None = None
    n_explained: int | None = None
    learning_rate: float | None = None
    epochs: float | None = None
    target_tokens: int | None = None
    train_flops: float | None = None
    mean: float | None = None
    """Mean accuracy (or agreement with the teacher) on test."""
    mean_published: float | None = None
    """The mean by the rule of the published code."""
    mean_learned: float | None = None
    """The same over the cells without a flag."""
    standard_error: float | None = None
    ci95_seeds: Interval | None = None
    """95 % interval of the mean for other seeds on the same test questions. None for a single seed,
    and where all seeds score the same.
    """
    ci95_examples: Interval | None = None
    """95 % interval of the mean for these checkpoints on other test questions."""
    ci95_withheld: str = ""
    """Why there is no such interval."""
    mean_unseen: float | None = None
    """The mean without test inputs that training has nearly seen. None where there are none."""
