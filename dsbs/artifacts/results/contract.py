"""What `contract` leaves: the promise, the rows behind it, and the student it is bound to."""

from typing import Literal

from pydantic import Field

from dsbs.artifacts.results.base import Interval, Result, Score
from dsbs.config.contract import With

ScoreKind = Literal["likelihood", "margin"]
"""The student's score for its own label, from 0 to 1.

`likelihood`: its probability among the allowed labels; where labels are open, the likelihood of its
text. `margin`: how far that probability is ahead of the best other one, moved from -1..1 to 0..1.
"""


class Identity(Result):
    """One student, as hashes. Two that are equal give the same answers."""

    weights: str
    """Of the names and bytes of all model files."""
    tokenizer: str
    labels: str
    """Of the kind of label and the closed set."""
    task: str
    """Of the task's definition: templates, columns, how answers are read."""
    prompt: str
    """Of how the student is asked: prefixes, method, decoding, limits of length."""
    precision: str
    """"fp32", "bf16", "int8" and so on."""
    runtime: str
    """The libraries that compute, with their versions."""
    card: str
    """Of the bytes of the student's card: whatever the parts above leave out."""


class ClassTerms(Result):
    """The calibration rows of one class: those that the student gives this label."""

    n: int
    local: int
    """Those that are answered locally."""
    different: int
    """Those of `local` whose label differs."""
    holds: bool = False
    """Whether this class has a promise of its own."""
    threshold: float | None = None
    disagreement_bound: float | None = None
    """Upper limit of P(local and different | the student gives this label)."""
    rows_needed: int | None = None
    """Rows of this class that a promise would need. None: it has one, or no number would do."""


class CurvePoint(Result):
    """What another budget would give on the same rows."""

    budget: float
    threshold: float | None
    share_local: float


class NeededRows(Result):
    """How many calibration rows a share of local answers would need at the rate seen."""

    share: float
    rows: int | None
    """None: at the rate of differences seen, no number of rows would do."""


class RowOrigin(Result):
    """Where the calibration rows come from, and which rows were excluded, by reason."""

    source: Literal["unused training rows", "calibration split", "file"]
    found: int
    """Rows before any is excluded."""
    near_duplicates: int = 0
    """Excluded: nearly the same as a row that was trained or selected on."""
    known_groups: int = 0
    """Excluded: of a group that was trained or selected on."""
    same_group: int = 0
    """Excluded: further rows of a group that has one row here. Equal inputs are one group."""
    unlabeled: int = 0
    """Kept and counted as different: without a label to compare with."""


class RationaleSignal(Result):
    """What the student's own rationale adds to its score, measured on validation."""

    rows: int
    auroc: float
    """How well the score alone tells equal labels from different ones."""
    gain: float
    """What the rationale adds to it."""
    gain_ci95: Interval
    used: bool
    """Whether it adds enough to be part of the score."""


class Money(Result):
    """Cost of 1,000 calls."""

    teacher: float
    """Of the teacher alone."""
    student: float = 0.0
    """Of the student alone, which reads every call."""
    cascade: float
    saved: float


class ContractTerms(Result):
    """A promise about the calls that a student answers locally."""

    schema_version: int = 1
    dsbs: str = ""
    """The version that wrote it."""
    task: str
    against: With = "teacher"
    agree: float
    """The promise: at most 1 - agree of all calls are answered locally and differently."""
    confidence: float
    """How often a promise made in this way holds, over draws of the calibration rows."""
    holds: bool
    """False: no contract is possible with these rows."""
    by_class: bool = False
    """Whether each class has a threshold and a promise of its own."""
    score: ScoreKind = "likelihood"
    rationale_weight: float = 0.0
    """Weight of the rationale's stance in the score; 0: the rationale is not read."""
    threshold: float | None = None
    """Calls with at least this score are answered locally. None where each class has its own."""
    share_local: float = 0.0
    share_local_ci95: Interval | None = None
    disagreement_bound: float | None = None
    """Upper limit of the share of calls that are answered locally and differently."""
    n: int
    """Calibration rows."""
    different: int = 0
    """Calibration rows that would be answered locally and differently."""
    agreement: float = 0.0
    """Share of the calibration rows on which the student alone agrees."""
    rows_needed: int | None = None
    """Rows that any contract would need. None: it holds, or no number would do."""
    per_class: dict[str, ClassTerms] = Field(default_factory=dict)
    curve: list[CurvePoint] = Field(default_factory=list)
    needed: list[NeededRows] = Field(default_factory=list)
    rows: RowOrigin
    rationale: RationaleSignal | None = None
    """None where the student writes no rationales, or none was tried."""
    money: Money | None = None
    """None without prices."""
    identity: Identity

    @property
    def budget(self) -> float:
        """The largest share of calls that may be answered locally and differently."""
        return round(1 - self.agree, 12)


class CascadeRow(Result):
    """One way to answer, on the rows of a split."""

    who: Literal["student", "cascade", "teacher"]
    accuracy: Score | None = None
    """None without gold labels, or without answers of the teacher where they are needed."""
    agreement: Score | None = None
    """With the teacher's labels. A row that it has no usable label for counts as different."""
    share_local: float
    share_local_ci95: Interval | None = None
    cost_per_1000: float | None = None
    """Of 1,000 calls. None without prices."""


class ContractResult(ContractTerms):
    """What `contract` leaves in its folder."""

    run: str
    """The student: its run folder, its checkpoint, or an export."""
    out: str
    contract: str
    """The file that other commands take."""
