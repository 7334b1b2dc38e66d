"""The answers of `dsbs answers`: what an answer store holds."""

from dsbs.artifacts.results.base import Result
from dsbs.artifacts.results.generate import SplitSummary


class TeacherCounts(Result):
    """What one teacher has answered, in all runs."""

    teacher: str
    answers: int
    failed: int
    """Requests that have no answer."""
    prompt_tokens: int
    cached_tokens: int
    completion_tokens: int


class StoreCounts(Result):
    """`answers count`."""

    store: str
    teachers: list[TeacherCounts]
    runs: list[str]
    """Run folders that have asked for something."""


class StoredAnswer(Result):
    """One request of a run, with its answer or the reason why there is none."""

    id: str
    """Of the example."""
    run: str
    split: str
    sample: int
    input: str
    gold: str | None
    text: str
    reasoning: str | None
    finish_reason: str | None
    prompt_tokens: int | None
    completion_tokens: int | None
    error: str | None
    key: str
    """Of the answer in the store."""


class AnswerList(Result):
    """`answers list`."""

    store: str
    answers: list[StoredAnswer]


class ExportedAnswers(Result):
    """`answers export`."""

    store: str
    out: str
    rows: int


class ReparsedRun(Result):
    """Stored answers of one run, parsed again."""

    task: str
    splits: dict[str, SplitSummary]


class ReparsedRuns(Result):
    """`answers reparse`."""

    store: str
    runs: dict[str, ReparsedRun]
    """By run folder."""
