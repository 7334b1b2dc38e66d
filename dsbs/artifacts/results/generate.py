"""What `generate` leaves."""

from dsbs.artifacts.results.base import Result, Status
from dsbs.core.records import NearDuplicates
from dsbs.metrics.calibration import CalibrationScores


class OutcomeExample(Result):
    """One answer that was not `ok`: the end of its text, and the label read from it."""

    id: str
    said: str
    label: str | None = None


class RationaleLengths(Result):
    """Words of the usable rationales of a split."""

    mean: float | None = None
    max: int | None = None
    capped: int = 0


class SplitSummary(Result):
    """What became of the answers to one split. Every row has exactly one outcome."""

    rows: int
    outcomes: dict[str, int]
    shares: dict[str, float]
    label_kind: str
    label_match: dict[str, int]
    reasons: dict[str, int] = {}
    """Why labels are not allowed: `ambiguous`, `continues`, `negated` or `mismatch`."""
    rationale_words: RationaleLengths = RationaleLengths()
    examples: dict[str, list[OutcomeExample]] = {}
    rationale_argues_for: dict[str, int] = {}
    label_counts: dict[str, dict[str, int]] | None = None
    """Counts of each label by who gave it: `teacher` and `gold`."""
    label_distance: float | None = None
    calibration: CalibrationScores | None = None
    gold_rows: int = 0
    teacher_correct: int | None = None
    teacher_accuracy: float | None = None
    teacher_correct_strict: int | None = None
    """By the rule that the paper's code uses."""
    teacher_accuracy_strict: float | None = None
    entropy: float | None = None
    """Mean Shannon entropy of the label distributions, in nats."""


class ShownAnswer(Result):
    """One row of `--show`: prompt, answer and verdict side by side."""

    id: str
    prompt: str
    completion: str
    outcome: str
    label: str | None
    gold: str | None
    correct: bool | None


class GenerateResult(Result):
    """What `generate` leaves. Tokens, money and seconds are those of the last start."""

    out: str
    task: str
    teacher: str
    status: Status = "done"
    splits: dict[str, SplitSummary]
    overlap: dict[str, int] = {}
    duplicates: NearDuplicates | None = None
    reused: int = 0
    new: int = 0
    failed: int = 0
    prompt_tokens: int = 0
    cached_tokens: int = 0
    completion_tokens: int = 0
    cost: float = 0.0
    labeling_s: float = 0.0
    summary: str = ""
    failures: list[tuple[str, int]] = []
    """Reasons for which rows have no answer, the most frequent first."""
    stopped: str = ""
    """Which limit ended the run, or ""."""
    shown: list[ShownAnswer] = []
