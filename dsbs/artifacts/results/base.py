"""Base of all results, and the one score that says what it was measured against."""

from collections.abc import Hashable
from typing import Literal

from pydantic import BaseModel, ConfigDict, computed_field

from dsbs.core.records import LabelSource, LearnedBy, Method, needs_teacher

Status = Literal["started", "stopped", "failed", "incomplete", "done"]
"""`started`: running. `stopped`: by a limit or a signal. `failed`: by an error. `incomplete`: rows
or cells failed.
"""

Against = Literal["gold", "teacher"]
"""What predictions are compared with: gold labels, or the teacher's where the data has none."""

Interval = tuple[float, float]


class Result(BaseModel):
    """Base of all results: frozen. Missing fields have their defaults; unknown ones are ignored."""

    model_config = ConfigDict(frozen=True, extra="ignore", defer_build=True)


class Score(Result):
    """How many predictions are right, compared with gold labels or with a teacher's."""

    against: Against = "gold"
    n: int
    correct: int
    ci95_examples: Interval | None
    """Over other examples of the same kind, as shares. Rows of one group vary together. None where
    it is withheld.
    """
    ci95_withheld: str = ""
    """Why there is no interval."""

    @property
    def share(self) -> float:
        """Share of right predictions, whatever they were compared with."""
        return self.correct / self.n

    @property
    def name(self) -> str:
        """ "accuracy", or "teacher_agreement" where there was no gold label to compare with."""
        return "accuracy" if self.against == "gold" else "teacher_agreement"

    def share_against(self, against: Against) -> float | None:
        """The share, where that is what it was compared with."""
        return self.share if self.against == against else None

    @computed_field
    def accuracy(self) -> float | None:
        """The share, where it is one of gold labels."""
        return self.share_against("gold")

    @computed_field
    def teacher_agreement(self) -> float | None:
        """The share, where it is one of a teacher's labels."""
        return self.share_against("teacher")


class Setting(Result):
    """What students must share before their methods are compared."""

    student: str
    """Hub name, folder or built-in name of the model that was trained; "none" for baselines that
    have none.
    """
    labels: LabelSource
    data_frac: float
    """Share of the training rows, above 0 and at most 1."""

    @property
    def setting(self) -> tuple[Hashable, ...]:
        """Student, labels and fraction as a key."""
        return (self.student, self.labels, self.data_frac)


class CellKey(Setting):
    """What sets one student of a comparison apart from the others."""

    method: LearnedBy
    """The method that it was trained by, or its name among the baselines."""
    seed: int
    fell_back_from: Method | None = None
    """The method that was asked for, where there was no rationale for it and so `method` is
    `standard`.
    """

    @computed_field  # type: ignore[prop-decorator]
    @property
    def needs_teacher(self) -> bool:
        """Whether the student reads the teacher's rationale of every row in use."""
        return needs_teacher(self.method)
