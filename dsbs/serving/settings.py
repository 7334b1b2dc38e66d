"""What a server does, as resolved values."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

TeacherDown = Literal["503", "local"]


@dataclass(frozen=True)
class Limits:
    """What one call may ask for, and how many may wait."""

    body_bytes: int
    rows: int
    tokens: int
    """Most input tokens of a row."""
    seconds: float
    """Most seconds until a call is answered."""
    waiting_rows: int
    """Rows that may wait for the student; more are turned away."""


@dataclass(frozen=True)
class Batching:
    """How rows of several calls become one batch."""

    rows: int
    """Most rows of a batch."""
    wait_s: float
    """Most seconds that a row waits for others while the student is idle."""


@dataclass(frozen=True)
class TeacherUse:
    """When the teacher answers, and what happens where it does not."""

    seconds: float
    """Most seconds that a call waits for the teacher."""
    down: TeacherDown
    """What a call gets then: an error, or the student's own answer, marked."""
    shadow: bool
    """Whether the teacher answers every call, and the student's label is only logged."""
    audit: float
    """Share of all calls that go to both."""


@dataclass(frozen=True)
class LogUse:
    """What is written down of each call."""

    path: Path
    inputs: bool
