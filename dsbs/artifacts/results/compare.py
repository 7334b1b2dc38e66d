"""What `compare` leaves."""

from pathlib import Path
from typing import Literal, Self

from dsbs.artifacts.results.base import Result, Score, Status
from dsbs.artifacts.results.cells import CellResult, Group, Variant
from dsbs.artifacts.results.claims import Claim, DataNeed, Detectable
from dsbs.artifacts.results.compared import Levels, TeacherResult
from dsbs.artifacts.results.generate import SplitSummary
from dsbs.artifacts.results.train import AnswerRows
from dsbs.artifacts.results.verdict import Verdict
from dsbs.config.axes import AxisName
from dsbs.config.base import ScoreNorm
from dsbs.config.compare import Equal
from dsbs.core.records import LabelSource, LearnedBy, NearDuplicates
from dsbs.metrics.collapse import Notice

CELLS = "cells"
"""The folder of a comparison that holds a run folder for each cell."""


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
