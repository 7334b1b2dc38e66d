"""The settings of the questions to an answer store."""

from pathlib import Path

from pydantic import Field

from dsbs.config.base import StageConfig


class StoreConfig(StageConfig):
    """Base of the questions to an answer store."""

    store: Path = Field(
        description="file of an answer store: answers.sqlite in a run folder of generate"
    )
    run: str | None = Field(
        None, description="only what this run folder asked for; default: all runs of the store"
    )


class AnswersCountConfig(StoreConfig):
    """Count answers, failures and tokens of every teacher in a store."""


class AnswersListConfig(StoreConfig):
    """List requests and answers."""

    failed: bool = Field(False, description="only requests without an answer, with the reason")
    limit: int = Field(20, ge=1, description="most rows")


class AnswersExportConfig(StoreConfig):
    """Write every answer to a file that other programs read."""

    out: Path = Field(
        description="a .parquet or .jsonl file; a .jsonl file can be given to --answers-from"
    )


class AnswersReparseConfig(StoreConfig):
    """Parse stored answers again with the task file as it is now, without a teacher."""

    task: str | None = Field(
        None, description="task name or .yaml; default: the definition that the run used"
    )
    max_rationale_words: int | None = Field(
        None, ge=1, description="longer rationales keep their first whole sentences"
    )
