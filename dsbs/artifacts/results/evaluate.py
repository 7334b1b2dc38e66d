"""What `evaluate` leaves."""

from dsbs.artifacts.results.base import CellKey, Result, Score
from dsbs.core.records import Split
from dsbs.metrics.calibration import CalibrationScores


class LabelScore(Result):
    """Scores of one label of a `class` task."""

    label: str
    n: int
    predicted: int
    correct: int
    precision: float
    recall: float
    f1: float


class EvaluateResult(CellKey, Score):
    """What `evaluate` leaves: the score of one student on one split."""

    run: str
    out: str
    task: str
    split: Split
    decode: str
    selected_by: str = "last step"
    unparsable: float
    """Share of outputs without a readable label."""
    chance: float
    """Accuracy of the commonest label, or of guessing among each row's options."""
    unlabelled: int = 0
    teacher_accuracy: float | None = None
    macro_f1: float | None = None
    per_label: list[LabelScore] = []
    calibration: CalibrationScores | None = None
