"""What predicts: a student in PyTorch, or an export of one."""

from collections.abc import Callable, Sequence
from typing import Protocol

from dsbs.artifacts.student_card import StudentCard
from dsbs.student.candidates import Adjust, Candidates, total

OnBatch = Callable[[int], None]
"""Called with the number of rows of each batch that is done."""


class Predictor(Protocol):
    """A student that can generate text and score labels, whatever runs it."""

    @property
    def card(self) -> StudentCard:
        """How it is used."""
        ...

    def generate(
        self,
        inputs: Sequence[str],
        *,
        prompt: str,
        max_new_tokens: int,
        stop: str,
        batch_size: int,
        on_batch: OnBatch,
    ) -> list[str]:
        """The greedy continuation of every input; see `student.decode.generate_texts`."""
        ...

    def count_tokens(self, text: str) -> int:
        """Tokens of an input as the student reads it, before it is cut."""
        ...

    def bare_tokens(self, text: str) -> int:
        """Tokens of a part of a text, without special ones."""
        ...

    def score(
        self,
        rows: Sequence[Candidates],
        *,
        prompt: str,
        batch_size: int,
        on_batch: OnBatch,
        adjust: Adjust = total,
    ) -> list[dict[str, float]]:
        """The score of each label of every row; see `student.score.score_labels`.

        An encoder's are log-probabilities, which are not adjusted.
        """
        ...
