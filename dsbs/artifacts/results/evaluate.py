"""What `evaluate` leaves."""

from pydantic import Field

from dsbs.artifacts.results.base import CellKey, Score
from dsbs.artifacts.results.contract import CascadeRow
from dsbs.core.records import Split
from dsbs.metrics.accuracy import LabelScores
from dsbs.metrics.calibration import CalibrationScores
from dsbs.metrics.collapse import Notice


class StudentScores(Score):
    """All scores of one student on some rows."""

    unparsable: float
    """Share of outputs without a readable label."""
    macro_f1: float | None = None
    """Mean F1 over the gold labels. None unless the task is of kind `class`."""
    per_label: list[LabelScores] = Field(default_factory=list)
    calibration: CalibrationScores | None = None
    """None where labels were generated and not scored."""
    notices: list[Notice] = Field(default_factory=list)
    """Signs of collapse."""


class EvaluateResult(CellKey, StudentScores):
    """What `evaluate` leaves: the scores of one student on one split."""

    run: str
    """The run folder, or the checkpoint where there is none."""
    out: str
    task: str
    split: Split
    decode: str
    selected_by: str = "last step"
    chance: float
    """The accuracy of a model that has learned nothing."""
    unlabeled: int = 0
    """Rows of the split without a label to compare with."""
    teacher_accuracy: float | None = None
    """Of the teacher's own labels. None where there are no answers or no gold."""
    teacher_score: Score | None = None
    """The same with its interval and its number of rows: those with gold that it answered."""
    cascade: list[CascadeRow] = Field(default_factory=list)
    """Student alone, cascade and teacher; empty without a contract."""
