"""What `compare` leaves."""

from collections.abc import Hashable
from pathlib import Path
from typing import Literal, Self

from pydantic import computed_field

from dsbs.artifacts.results.base import CellKey, Interval, Result, Score, Setting, Status
from dsbs.artifacts.results.compared import Levels, TeacherResult
from dsbs.artifacts.results.generate import SplitSummary
from dsbs.artifacts.results.train import AnswerRows
from dsbs.artifacts.results.verdict import Verdict
from dsbs.config.axes import AxisName, Level
from dsbs.config.base import ScoreNorm
from dsbs.config.compare import Equal
from dsbs.core.records import BASELINE, LabelSource, LearnedBy, NearDuplicates, needs_teacher
from dsbs.metrics.collapse import Notice

CELLS = "cells"
"""The folder of a comparison that holds a run folder for each cell."""

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


class CheckpointClaim(Result):
    """McNemar's exact test of two students that were trained with the same seed."""

    seed: int
    n: int
    """Test questions that both answered."""
    only_first: int
    """Questions that only the first student answers correctly."""
    only_second: int
    p: float
    p_holm: float = 1.0
    """p corrected by Holm's method for all checkpoint claims of the comparison."""


class Claim(GroupKey):
    """Whether one value of an axis is better than another, all else being equal.

    By default the axis is the method.
    """

    against: Variant
    axis: AxisName = "method"
    value: Level | None = None
    """Its value here; None in older results, which compare methods alone."""
    against_value: Level | None = None
    seeds: list[int]
    """Seeds that both sides have."""
    strength: Literal["refused", "weak", "full"]
    """`refused` below 3 seeds (or 3 groups of test rows), `weak` below 5. A refused claim has no
    difference, interval or p.
    """
    groups_of_rows: int | None = None
    """Groups that the test questions fall into; None where no two share one."""
    stuck: tuple[int, int]
    """Number of students on each side that did not learn."""
    checkpoints: list[CheckpointClaim] = []
    difference: float | None = None
    """Mean accuracy of the value less that of the other: 0.02 is two points."""
    ci95_seeds_and_examples: Interval | None = None
    """95 % interval of the difference for other seeds and other test questions."""
    cohens_d: float | None = None
    """The difference in standard deviations of the seeds' differences; None without any spread."""
    p: float | None = None
    p_holm: float | None = None
    """p corrected by Holm's method for `comparisons` claims."""
    comparisons: int = 0


class DataNeed(Levels):
    """The data from which on a method is as good as another method, or as the teacher."""

    student: str
    labels: LabelSource
    method: LearnedBy
    against: str
    """The other method, or "teacher"; with its name where there are several."""
    at: float | None = None
    """The fraction of the other method; None for the teacher."""
    seeds: int
    """The smallest number of seeds behind any of the differences."""
    margin: float = 0.0
    """How far below the other counts as being as good: 0.01 is one point."""
    fractions: list[float]
    learned: list[bool] = []
    """At each fraction, whether the students learned. If not, they are as good as nobody."""
    opponent_learned: bool = True
    """Whether the other learned. To be as good as chance is no achievement."""
    differences: list[float]
    """The method at each fraction less the other."""
    ci95_seeds_and_examples: list[Interval | None]
    estimate: float | None = None
    """The smallest fraction at which the difference is not below minus the margin, nor at any
    larger fraction that was tried; None if there is none.
    """
    possible: float | None = None
    """The same for the upper end of the interval."""
    certain: float | None = None
    """The same for the lower end of the interval."""


class Detectable(Result):
    """The smallest differences between two checkpoints that a test set shows with this power."""

    examples: int
    accuracy: float
    discordant: float
    """Share of questions that only one of two students answers correctly."""
    measured: bool
    """Whether `discordant` was measured; otherwise it is assumed."""
    groups_of_rows: int | None = None
    """Groups that the questions fall into; None where no two share one. The differences are those
    of independent questions all the same.
    """
    power: float = 0.8
    paired: float | None = None
    """If both answer the same questions; None if even the largest difference would be missed."""
    unpaired: float | None = None
    """If each answers questions of its own."""


class Tuned(Variant, Levels):
    """One learning rate that `--tune lr` tried."""

    student: str
    labels: LabelSource
    name: str
    learning_rate: float
    status: Literal["done", "failed"]
    validation_accuracy: float | None = None
    chosen: bool = False


class SkippedBaseline(Result):
    """A baseline that was asked for and does not fit."""

    method: LearnedBy
    reason: str


class CompareResult(Result):
    """What `compare` leaves."""

    out: str
    task: str
    equal: Equal
    """What all methods have in common: optimizer steps, epochs or compute."""
    decode: str
    """How labels are read from a student."""
    score_norm: ScoreNorm = "sum"
    """How scores of labels are made comparable, where they are scored."""
    status: Status = "done"
    """`incomplete` if a cell failed."""
    margin: float = 0.0
    """How far below another counts as being as good."""
    verdict: Verdict | None = None
    """None in results of versions without one."""
    teacher_accuracy: float | None = None
    teacher_score: Score | None = None
    """The same with its interval."""
    teachers: list[TeacherResult] = []
    """Every teacher, as a row beside the students."""
    pairs: list[AxisName] = ["method"]
    """The axes whose values were compared in pairs."""
    tuning: list[Tuned] = []
    cells: list[CellResult]
    skipped: list[SkippedBaseline] = []
    groups: list[Group] = []
    claims: list[Claim] = []
    minimum_detectable: Detectable | None = None
    data_needed: list[DataNeed] = []
    answer_rows: list[AnswerRows] = []
    """How the answers fit the rows, for each run of answers."""
    duplicates: NearDuplicates | None = None
    teacher: dict[str, SplitSummary] = {}
    """The teacher's answers by split."""
    notices: list[Notice] = []
    """Signs of collapse in any of the students, each with how many of them show it."""

    @property
    def chance(self) -> float | None:
        """Accuracy of a student that has learned nothing; the highest of the cells'.

        A baseline chooses among the options of a row, which a student need not see.
        """
        cells = [cell for cell in self.cells if not cell.is_baseline] or self.cells
        return max((cell.chance for cell in cells if cell.chance is not None), default=None)

    @property
    def measured(self) -> str:
        """What the scores are: "accuracy" or "teacher_agreement"."""
        return next((cell.score.name for cell in self.cells if cell.score), "accuracy")

    def moved_to(self, folder: Path) -> Self:
        """The same results with the places that its folders have now."""
        cells = [
            cell.model_copy(update={"out": str(folder / CELLS / cell.name)}) for cell in self.cells
        ]
        return self.model_copy(update={"out": str(folder), "cells": cells})
