"""What the questions to an answer store are given."""

from pathlib import Path

from pydantic import Field

from dsbs.config.base import StageConfig


class StoreConfig(StageConfig):
    """Base of the questions to an answer store."""

    store: Path = Field(
        description="file of an answer store, answers.sqlite in a run folder of generate"
    )
    run: str | None = Field(
        None, description="only what this run folder asked for; left out, all runs"
    )


class AnswersCountConfig(StoreConfig):
    """Count answers, failures and tokens of every teacher in a store."""


class AnswersListConfig(StoreConfig):
    """List what was asked and answered."""

    failed: bool = Field(False, description="only requests that have no answer, with the reason")
    limit: int = Field(20, ge=1, description="rows at most")


class AnswersExportConfig(StoreConfig):
    """Write every answer to a file that other programs read."""

    out: Path = Field(
        description="a .parquet or .jsonl file; the latter serves as published answers (--answers-from)"
    )


class AnswersReparseConfig(StoreConfig):
    """Read stored answers again, with the task file as it is now, and without a teacher."""

    task: str | None = Field(
        None, description="task name or .yaml; left out, the definition that was asked with"
    )
    max_rationale_words: int | None = Field(
        None, ge=1, description="keep the first whole sentences of longer rationales"
    )
