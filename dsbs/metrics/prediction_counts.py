"""Counts of a student's predictions, taken as rows pass, and the signs of collapse in them."""

from collections.abc import Sequence
from dataclasses import dataclass

from dsbs.core.records import Prediction
from dsbs.metrics.collapse import Notice, empty_notices, label_notices, unparsable_notices
from dsbs.metrics.label_counts import LabelCounts


@dataclass
class PredictionCounts:
    """What the predictions of some rows are."""

    labels: LabelCounts
    rows: int = 0
    correct: int = 0
    empty: int = 0
    """Rows for which the student wrote nothing."""
    unparsable: int = 0
    """Rows whose output has no readable label."""

    def add(self, prediction: Prediction, allowed: Sequence[str]) -> None:
        """Count the prediction of one row, which may have these labels."""
        self.rows += 1
        self.correct += bool(prediction.correct)
        self.empty += not prediction.raw.strip()
        self.unparsable += prediction.label is None
        self.labels.add(prediction.label, allowed)

    def merge(self, other: "PredictionCounts") -> None:
        """Count all that the other has counted, too."""
        self.rows += other.rows
        self.correct += other.correct
        self.empty += other.empty
        self.unparsable += other.unparsable
        self.labels.merge(other.labels)

    def notices(self, who: str, reference: LabelCounts, *, whose: str) -> list[Notice]:
        """Signs of collapse that need no verdicts.

        Args:
            who: Whose predictions, and of which rows.
            reference: Labels that should be distributed alike.
            whose: Whose those are.
        """
        return [
            *label_notices(who, self.labels, reference, whose=whose),
            *empty_notices(who, self.empty, self.rows),
            *unparsable_notices(who, self.unparsable, self.rows),
        ]
