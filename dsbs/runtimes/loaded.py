"""A student in Python: `dsbs.load(run_or_export)`. The commands and the server use it too."""

import itertools
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from dsbs.artifacts.student_card import StudentCard
from dsbs.core.records import LABEL, Example, Prediction, Tokens
from dsbs.data.unlabeled import UnlabeledRow, UnlabeledRows
from dsbs.metrics.distributions import softmax
from dsbs.runtimes.open import open_predictor
from dsbs.student.predict import check, predict
from dsbs.student.predictor import Predictor

Row = Mapping[str, Any]
"""The columns of a task's input, as a row of a data file has them."""


class LoadedStudent:
    """A student that labels rows, whatever runs it."""

    def __init__(self, predictor: Predictor, *, batch_size: int = 64) -> None:
        self.predictor = predictor
        self.batch_size = batch_size
        self._rows = UnlabeledRows(predictor.card.task)

    @property
    def card(self) -> StudentCard:
        """What the student knows about itself: its task, method and limits."""
        return self.predictor.card

    def predict(
        self, rows: Iterable[Row], *, explain: bool = False, scores: bool = False
    ) -> list[Prediction]:
        """One prediction per row, in order.

        Args:
            rows: Rows with the columns of the task's input.
            explain: Also generate a rationale.
            scores: Also score every allowed label.

        Raises:
            InputError: A row lacks a part of the input, or the student cannot do what is wanted.
        """
        return self.predict_examples(self.examples(rows), explain=explain, scores=scores)

    def probabilities(self, rows: Iterable[Row]) -> list[dict[str, float]]:
        """The probability of each allowed label of every row; they sum to 1.

        Raises:
            InputError: The task's labels are open, or a row lacks a part of the input.
        """
        return [softmax(p.scores) if p.scores else {} for p in self.predict(rows, scores=True)]

    def explain(self, rows: Iterable[Row]) -> list[Prediction]:
        """One prediction per row with its `rationale`.

        Raises:
            InputError: The student learned no rationales, or a row lacks a part of the input.
        """
        return self.predict(rows, explain=True)

    def examples(self, rows: Iterable[Row]) -> list[Example]:
        """Rows as examples of the task. Raises InputError for a row that lacks a part of it."""
        return [row.example for row in self.unlabeled(rows)]

    def unlabeled(self, rows: Iterable[Row]) -> list[UnlabeledRow]:
        """The same with the id that each row came with."""
        placed = ((f"row {at}", dict(row)) for at, row in zip(itertools.count(1), rows))
        return list(self._rows.read(placed))

    def count_tokens(self, text: str) -> int:
        """Tokens of an input as the student reads it, before it is cut."""
        return self.predictor.count_tokens(self.card.encoder_text(LABEL, text))

    def predict_examples(
        self,
        examples: Sequence[Example],
        *,
        explain: bool = False,
        scores: bool = False,
        confidence: bool = False,
        tokens: bool = False,
    ) -> list[Prediction]:
        """One prediction per example, in order.

        With `confidence` they have the scores by which a contract decides: of the allowed labels,
        or of their own label where labels are open. With `tokens` these are counted.
        """
        check(self.card, decode=self.card.decode, explain=explain, scores=scores)
        found = predict(
            self.predictor,
            examples,
            explain=explain,
            scores=scores,
            confidence=confidence,
            batch_size=self.batch_size,
        )
        if not tokens:
            return found
        pairs = zip(examples, found, strict=True)
        return [replace(one, tokens=self._tokens(example, one)) for example, one in pairs]

    def _tokens(self, example: Example, prediction: Prediction) -> Tokens:
        """Those of the input that are read, and those of the label, or else of the text."""
        read = min(self.count_tokens(example.input), self.card.max_input_tokens)
        text = prediction.raw if prediction.label is None else prediction.label
        return Tokens(read, self.predictor.bare_tokens(text))


def load(run: str | Path, *, batch_size: int = 64, threads: int = 0) -> LoadedStudent:
    """The student of a train run, a copy of its best/, or an export, ready to label rows.

    Args:
        run: The folder.
        batch_size: Rows per forward pass.
        threads: Threads that one batch uses. Default: OMP_NUM_THREADS, or else all cores.

    Raises:
        InputError: The folder holds no student, or one that has changed since it was written.
    """
    predictor = open_predictor(Path(run), threads=threads, needed_by="dsbs.load")
    return LoadedStudent(predictor, batch_size=batch_size)
