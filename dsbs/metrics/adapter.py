"""Our metrics as `evaluate.Metric`s. The only file that imports `evaluate`, which loads torch and takes seconds.

`evaluate.load` fetches scripts from a hub; these need none:
    LabelAccuracy("choice").compute(predictions=["Dog."], references=["dog"])   # {'accuracy': 1.0}
"""

from collections.abc import Sequence
from typing import Any

import datasets
import evaluate

from dsbs.metrics.accuracy import accuracy, macro_f1
from dsbs.tasks.labels import LabelKind, normalise, same_label

_DESCRIPTION = "Labels read by the normaliser of a label kind, then compared: by value for equations, else by text."
_STRINGS = datasets.Features(
    {"predictions": datasets.Value("string"), "references": datasets.Value("string")}
)


class _LabelMetric(evaluate.Metric):
    def __init__(self, kind: LabelKind, labels: Sequence[str] = (), **options: Any) -> None:
        self.kind, self.labels = kind, tuple(labels)
        super().__init__(**options)

    def _info(self) -> evaluate.MetricInfo:
        return evaluate.MetricInfo(
            description=_DESCRIPTION,
            citation="",
            inputs_description="label texts, one of each a row",
            features=_STRINGS,
        )

    def _read(self, text: str, reference: str) -> str | None:
        return normalise(
            self.kind, text, self.labels or ((reference,) if self.kind == "choice" else ())
        )


class LabelAccuracy(_LabelMetric):
    """{'accuracy': share of predictions that mean their reference}."""

    def _compute(
        self, *, predictions: Sequence[str], references: Sequence[str]
    ) -> dict[str, float]:
        pairs = zip(predictions, references, strict=True)
        return {
            "accuracy": accuracy(
                [same_label(self.kind, self._read(p, r), self._read(r, r)) for p, r in pairs]
            )
        }


class LabelMacroF1(_LabelMetric):
    """{'macro_f1': mean F1 over the labels}; for kind `class`."""

    def _compute(
        self, *, predictions: Sequence[str], references: Sequence[str]
    ) -> dict[str, float]:
        read = [self._read(p, r) for p, r in zip(predictions, references, strict=True)]
        return {"macro_f1": macro_f1(list(references), read)}
