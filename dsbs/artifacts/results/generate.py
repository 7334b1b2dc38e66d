"""What `generate` leaves."""

from dsbs.artifacts.results.base import Interval, Result, Status
from dsbs.core.records import NearDuplicates
from dsbs.metrics.calibration import CalibrationScores
from dsbs.metrics.collapse import Notice
from dsbs.tasks.task import LabelForm


class OutcomeExample(Result):
    """One answer that was not `ok`."""

    id: str
    text: str
    """The end of the answer, or the reason why there is none."""
    label: str | None = None
    """The label read from it."""


class RationaleLengths(Result):
    """Words of the usable rationales of a split."""

    mean: float | None = None
    max: int | None = None
    capped: int = 0
    """Rationales that were cut to --max-rationale-words."""


class SplitSummary(Result):
    """What became of the answers to one split. Every row has exactly one outcome."""

    rows: int
    outcomes: dict[str, int]
    """Rows by outcome."""
    shares: dict[str, float]
    """The same as shares."""
    label_kind: str
    label_match: dict[str, int]
    """Rows by how their label was recognized."""
    reasons: dict[str, int] = {}
    """Why labels are not allowed: `ambiguous`, `continues`, `negated` or `mismatch`."""
    rationale_words: RationaleLengths = RationaleLengths()
    examples: dict[str, list[OutcomeExample]] = {}
    """A few answers by outcome, for all outcomes but `ok`."""
    look_alikes: int = 0
    """Rows that hold text like the prompt's own: markers, stop strings, special tokens."""
    rationale_argues_for: dict[str, int] = {}
    """Rationales by which labels they name."""
    label_counts: dict[str, dict[str, int]] | None = None
    """Counts of each label by who gave it, `teacher` and `gold`, on the rows that have both. Where
    no row has gold, the teacher's on all rows.
    """
    label_distance: float | None = None
    """Share of labels that would have to change for teacher and gold to have the same counts."""
    calibration: CalibrationScores | None = None
    gold_rows: int = 0
    teacher_correct: int | None = None
    teacher_accuracy: float | None = None
    teacher_correct_strict: int | None = None
    """By the rule that the paper's code uses."""
    teacher_accuracy_strict: float | None = None
    teacher_ci95: Interval | None = None
    """95 % interval of the accuracy over other rows. None without gold, or where it is withheld."""
    entropy: float | None = None
    """Mean Shannon entropy of the label distributions, in nats."""
    distributions: int = 0
    """Rows with a distribution over labels."""
    distributions_agree: float | None = None
    """Share of them whose likeliest label is the one that the answer states. None without any."""
    vote_ties: int = 0
    """Rows in which several labels have the most votes of the samples."""
    notices: list[Notice] = []
    """Signs of collapse."""


class ShownAnswer(Result):
    """One row of `--show`: prompt, answer and verdict side by side."""

    id: str
    prompt: str
    completion: str
    outcome: str
    label: str | None
    gold: str | None
    correct: bool | None


class Spent(Result):
    """Requests, tokens, money and seconds of the last start of a run."""

    reused: int = 0
    """Requests whose answer was in the store."""
    new: int = 0
    failed: int = 0
    prompt_tokens: int = 0
    cached_tokens: int = 0
    """Prompt tokens that the teacher had in its prefix cache."""
    completion_tokens: int = 0
    cost: float = 0.0
    labeling_s: float = 0.0
    """Seconds up to the last answer."""


class RunState(Spent):
    """What `--progress-json` always holds."""

    total: int | None
    """Requests in all."""
    done: int
    seconds_left: float | None


class PublishedCounts(Result):
    """How far published answers are known to belong to the rows that they are joined with."""

    answers: int
    """Answers in the files."""
    without_row: int = 0
    """Those that belong to no row."""
    changed: int = 0
    """Those whose file repeats another input than that of the row with their id."""
    unchecked: int = 0
    """Those whose file does not repeat the input, so that id or order alone joins them."""


class GenerateResult(Spent):
    """What `generate` leaves."""

    out: str
    task: str
    label: LabelForm | None = None
    """The kind and the closed set of the task's labels."""
    teacher: str
    status: Status = "done"
    splits: dict[str, SplitSummary]
    overlap: dict[str, int] = {}
    """Inputs that two splits share, word for word, by pair of splits."""
    duplicates: NearDuplicates | None = None
    published: PublishedCounts | None = None
    """None where a teacher answered."""
    skipped: int = 0
    """Rows of the data that lack a field and were skipped on request."""
    summary: str = ""
    failures: list[tuple[str, int]] = []
    """Why requests have no answer, with their number; the most frequent first."""
    changed_settings: dict[str, float | int | None] = {}
    """Settings that the model refuses, with the value it was asked with; None is its own default.
    """
    stopped: str = ""
    """Which limit ended the run, or ""."""
    shown: list[ShownAnswer] = []
    """What --show prints."""


class DryRun(Result):
    """What a run of `generate` would use."""

    rows: int
    requests: int
    """Requests to send."""
    reused: int
    """Requests whose answer is in the store."""
    repeated: int
    """Requests that an earlier row makes as well. Its answer counts for all of them."""
    prompt_tokens_each: float
    """Per request."""
    answer_tokens_each: float
    """Per request, as in the demonstrations."""
    prompt_tokens: int
    cached_tokens: int
    """Prompt tokens that a prefix cache can hold."""
    completion_tokens: int
    score_tokens: int
    """Prompt tokens to score labels."""
    tokens_exact: bool
    """Whether the teacher's tokenizer has counted; else tokens are estimated."""
    cost: float | None
    """Money; None without prices."""
    seconds: float | None
    """None without a rate."""
    prompts: list[str]
    """The first prompts in full."""
    max_new_tokens: int = 0
    """Most tokens per answer."""
    max_new_tokens_why: str = ""
    """Where that number comes from; "" where it was given."""
    reasons: bool = False
    """Whether that leaves room for a reasoning trace, which `answer_tokens_each` does not count."""
    unnamed: str = ""
    """Which labels the prompts do not name, in words; "" where they name all."""


class DryRunResult(Result):
    """What `generate --plan` shows."""

    task: str
    teacher: str
    plan: DryRun
