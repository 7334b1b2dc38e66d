"""Our metrics as metrics of Hugging Face's `evaluate`.

    from dsbs.metrics.adapter import LabelAccuracy, LabelMacroF1

    accuracy = LabelAccuracy("class", ["entailment", "neutral", "contradiction"])
    accuracy.compute(predictions=["Neutral.", "maybe"], references=["neutral", "neutral"])
    # {'accuracy': 0.5, 'n': 2, 'correct': 1, 'unparsable': 0.5}

Predictions and references are texts. Both are read like every label in dsbs, then compared: by
value for equations, by folded text otherwise. The options of `choice` differ per row and are a
third column:

    LabelAccuracy("choice").compute(
        predictions=["(b) ice."], references=["ice"], choices=[["fire", "ice"]]
    )

`evaluate.load` downloads scripts; these classes need no network. This is the only file that imports
`evaluate`, which loads torch and takes seconds.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

import datasets
import evaluate

from dsbs.metrics.accuracy import accuracy, macro_f1
from dsbs.tasks.labels import LabelKind, normalize, same_label

_TEXT = datasets.Value("string")


class _Read(NamedTuple):
    predicted: str | None
    gold: str | None


class _LabelMetric(evaluate.Metric):
    """Reads the labels of predictions and references.

    Args:
        kind: How labels are read.
        labels: The allowed labels of kind `class`.
        options: What `evaluate.Metric` takes, for example `experiment_id`.
    """

    def __init__(self, kind: LabelKind, labels: Sequence[str] = (), **options: Any) -> None:
        self._kind = kind
        self._labels = tuple(labels)
        super().__init__(**options)

    def _info(self) -> evaluate.MetricInfo:
        columns = {"predictions": _TEXT, "references": _TEXT}
        if self._kind == "choice":
            columns["choices"] = datasets.Sequence(_TEXT)
        return evaluate.MetricInfo(
            description=self.__doc__ or "",
            citation="",
            inputs_description="One prediction and one reference per row, as text.",
            features=datasets.Features(columns),
        )

    def _read(
        self,
        predictions: Sequence[str],
        references: Sequence[str],
        choices: Sequence[Sequence[str]] | None,
    ) -> list[_Read]:
        allowed = choices or [self._labels] * len(references)
        return [
            _Read(normalize(self._kind, predicted, labels), normalize(self._kind, gold, labels))
            for predicted, gold, labels in zip(predictions, references, allowed, strict=True)
        ]


class LabelAccuracy(_LabelMetric):
    """`accuracy`, `n`, `correct`, and `unparsable`: the share of predictions without a label."""

    def _compute(
        self,
        *,
        predictions: Sequence[str],
        references: Sequence[str],
        choices: Sequence[Sequence[str]] | None = None,
    ) -> dict[str, float]:
        rows = self._read(predictions, references, choices)
        verdicts = [same_label(self._kind, row.predicted, row.gold) for row in rows]
        return {
            "accuracy": accuracy(verdicts),
            "n": len(rows),
            "correct": sum(verdicts),
            "unparsable": sum(row.predicted is None for row in rows) / len(rows),
        }


class LabelMacroF1(_LabelMetric):
    """`macro_f1`: mean F1 over the gold labels, for labels of kind `class`."""

    def _compute(
        self,
        *,
        predictions: Sequence[str],
        references: Sequence[str],
        choices: Sequence[Sequence[str]] | None = None,
    ) -> dict[str, float]:
        rows = self._read(predictions, references, choices)
        gold = [row.gold or "" for row in rows]
        return {"macro_f1": macro_f1(gold, [row.predicted for row in rows], self._kind)}
