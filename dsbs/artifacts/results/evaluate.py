"""What `evaluate` leaves."""

from pydantic import Field, computed_field

from dsbs.artifacts.results.base import CellKey, Score
from dsbs.artifacts.results.contract import CascadeRow
from dsbs.config.base import ScoreNorm
from dsbs.core.records import Method, Split
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
    published_correct: int | None = None
    """Right predictions by the rule of the published code: the same text, or for equations the
    same value of the whole text. None in older results.
    """
    notices: list[Notice] = Field(default_factory=list)
    """Signs of collapse."""

    @property
    def score(self) -> Score:
        """The share of right predictions alone."""
        return Score(**{name: getattr(self, name) for name in Score.model_fields})

    @computed_field  # type: ignore[prop-decorator]
    @property
    def published_accuracy(self) -> float | None:
        """Their share."""
        return None if self.published_correct is None else self.published_correct / self.n


class EvaluateResult(CellKey, StudentScores):
    """What `evaluate` leaves: the scores of one student on one split."""

    method: Method
    run: str
    """The run folder, or the checkpoint where there is none."""
    out: str
    task: str
    split: Split
    decode: str
    score_norm: ScoreNorm = "sum"
    """How scores of labels were made comparable, where they were scored."""
    selected_by: str = "last step"
    chance: float
    """The accuracy of a model that has learned nothing."""
    unlabeled: int = 0
    """Rows of the split without a label to compare with."""
    wall_s: float | None = None
    """Seconds of labeling the rows."""
    cpu_s: float | None = None
    """The same in core-seconds."""
    without_rationale: int = 0
    """Rows without a rationale of the teacher, where the student reads one."""
    teacher_accuracy: float | None = None
    """Of the teacher's own labels. None where there are no answers or no gold."""
    teacher_score: Score | None = None
    """The same with its interval and its number of rows: those with gold that it answered."""
    cascade: list[CascadeRow] = Field(default_factory=list)
    """Student alone, cascade and teacher; empty without a contract."""
