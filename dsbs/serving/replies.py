"""What a caller gets for a row, or why there is nothing."""

from dataclasses import dataclass
from typing import Literal

from dsbs.core.records import Tokens
from dsbs.metrics.distributions import softmax
from dsbs.serving.teacher_desk import NoAnswer, Unusable

Source = Literal["student", "teacher"]


class TeacherMissing(Exception):
    """A row is the teacher's to answer, and there is no answer."""

    def __init__(self, why: NoAnswer) -> None:
        super().__init__(f"this call is the teacher's to answer, and it gives no answer: {why}")
        self.for_good = isinstance(why, Unusable)
        """Whether the same call would end like this again: the answer is there, and of no use."""


@dataclass(frozen=True)
class Reply:
    """What a caller gets for a row."""

    label: str | None
    raw: str
    source: Source
    rationale: str | None = None
    scores: dict[str, float] | None = None
    """The student's log-likelihoods of the allowed labels."""
    marked: str = ""
    """Why the student answered although the contract leaves the row to the teacher."""
    tokens: Tokens | None = None
    """Of who answered, where they are known."""

    @property
    def probabilities(self) -> dict[str, float] | None:
        """The student's probabilities of the allowed labels."""
        return softmax(self.scores) if self.scores else None
