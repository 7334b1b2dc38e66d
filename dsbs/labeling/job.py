"""What a run of `generate` does, as resolved values."""

from collections.abc import Collection
from dataclasses import dataclass, field
from pathlib import Path

from dsbs.config.base import Duplicates
from dsbs.core.records import Example
from dsbs.data.load import TaskData
from dsbs.labeling.aggregate import Reading
from dsbs.labeling.budget import Limits
from dsbs.labeling.requests import Style
from dsbs.tasks.task import Task
from dsbs.teachers.new_tokens import NewTokens
from dsbs.teachers.protocol import Engine, EngineOptions, Sampling
from dsbs.teachers.published import PublishedAnswers


@dataclass(frozen=True)
class LiveTeacher:
    """A model that is to answer, and how."""

    engine: Engine
    options: EngineOptions
    sampling: Sampling
    style: Style
    new_tokens: NewTokens
    """Most tokens of an answer, as in `sampling`, and where the number comes from."""


@dataclass(frozen=True)
class LabelingJob:
    """Everything that a run of `generate` does, as resolved values."""

    task: Task
    data: TaskData
    examples: Collection[Example]
    """The rows to label, in the order of the data."""
    source: LiveTeacher | PublishedAnswers
    """Who answers, or the files that hold the answers."""
    out: Path
    """The run folder."""
    store: Path
    """File of the answer store."""
    samples: int = 1
    """Answers per row."""
    reading: Reading = field(default_factory=Reading)
    limits: Limits = field(default_factory=Limits)
    duplicates: Duplicates = "auto"
    """Whether near-duplicates between train and test are looked for."""
    show: bool = False
    """Whether the result has every prompt and answer."""
    progress_json: Path | None = None
    """File for the state of the run, for other programs."""
