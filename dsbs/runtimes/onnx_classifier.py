"""An encoder in ONNX Runtime: one graph, from texts to the scores of classes or of one option."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from dsbs.artifacts.student_card import ExportFacts
from dsbs.core.require import require
from dsbs.runtimes.onnx_session import mask_of, open_session, padded

MODEL = "model.onnx"


class OnnxClassifier:
    """See `Classifier`."""

    def __init__(self, folder: Path, facts: ExportFacts, precision: str, threads: int) -> None:
        onnxruntime = require("onnxruntime", "onnx", needed_by="an ONNX export")
        self._model = open_session(folder / MODEL, threads)
        self._pad = facts.pad_id
        self.runtime = f"ONNX Runtime {onnxruntime.__version__}, {precision}"

    def logits(self, texts: Sequence[list[int]]) -> NDArray[np.float64]:
        """See `Classifier.logits`."""
        given = {"input_ids": padded(texts, self._pad), "attention_mask": mask_of(texts)}
        (logits,) = self._model.run(None, given)
        return np.asarray(logits, dtype=np.float64)
