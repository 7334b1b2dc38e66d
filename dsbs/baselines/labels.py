"""What a baseline learns from and what it gives back, the same for all of them."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

from dsbs.core.records import Example

Scores = dict[str, float]
"""Log-probability of each label that a row may have."""


class LabeledRow(NamedTuple):
    """A training row with the label to learn."""

    example: Example
    label: str


class Guess(NamedTuple):
    """What a baseline gives for a row."""

    label: str
    scores: Scores | None = None
    """None where it knows no probabilities."""


Labeler = Callable[[Sequence[Example]], list[Guess]]
"""What has been learned: labels rows, in their order."""


class CannotDo(Exception):
    """A baseline cannot do a task; the text is the reason."""
