"""Frozen sentence embeddings of an encoder in a local folder, with logistic regression."""

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dsbs.baselines import logistic
from dsbs.baselines.labels import LabeledRow, Labeler
from dsbs.core.errors import InputError
from dsbs.core.progress import Progress
from dsbs.core.records import Example
from dsbs.core.require import require
from dsbs.tasks.task import Task

_BATCH = 64
_MOST_TOKENS = 256

Array = NDArray[Any]


class Embeddings:
    """The embeddings of texts. Each text is embedded once, however many cells need it."""

    def __init__(self, folder: Path) -> None:
        if not (folder / "config.json").is_file():
            raise InputError(
                f"--embedding-model {folder}",
                got="no config.json" if folder.is_dir() else "no such folder",
                expected="the folder of an encoder of transformers",
                fix="name the folder of a downloaded model",
            )
        self._folder = folder
        self._known: dict[str, Array] = {}
        self._seconds: dict[str, float] = {}
        self._loaded: tuple[Any, Any] | None = None
        self.saved_s = 0.0
        """Core-seconds that texts would have taken which were known already."""

    def of(self, texts: Sequence[str]) -> Array:
        """(texts, dimensions): means over tokens, of length 1, as sentence-transformers has it."""
        distinct = list(dict.fromkeys(texts))
        new = [text for text in distinct if text not in self._known]
        self.saved_s += sum(self._seconds[text] for text in distinct if text in self._known)
        new.sort(key=len)  # like lengths together, so that little is padded
        with Progress("embed", len(new)) as progress:
            for start in range(0, len(new), _BATCH):
                self._add(new[start : start + _BATCH])
                progress.add(len(new[start : start + _BATCH]))
        return np.stack([self._known[text] for text in texts])

    def _add(self, texts: Sequence[str]) -> None:
        started = time.process_time()
        self._known.update(zip(texts, self._embed(texts), strict=True))
        each = (time.process_time() - started) / len(texts)
        self._seconds.update(dict.fromkeys(texts, each))

    def _embed(self, texts: Sequence[str]) -> Array:
        import torch

        tokenizer, model = self._model()
        encoded = tokenizer(
            list(texts), padding=True, truncation=True, max_length=_MOST_TOKENS, return_tensors="pt"
        )
        with torch.inference_mode():
            hidden = model(**encoded).last_hidden_state
        mask = encoded["attention_mask"].unsqueeze(-1)
        mean = (hidden * mask).sum(1) / mask.sum(1)
        normal: Array = torch.nn.functional.normalize(mean, dim=1).float().numpy()
        return normal

    def _model(self) -> tuple[Any, Any]:
        if self._loaded is None:
            transformers = require("transformers", "train", needed_by="--baselines embedding")
            tokenizer = transformers.AutoTokenizer.from_pretrained(self._folder)
            model = transformers.AutoModel.from_pretrained(self._folder).eval()
            self._loaded = (tokenizer, model)
        return self._loaded


def embedded(task: Task, train: Sequence[LabeledRow], embeddings: Embeddings) -> Labeler:
    """The label by a linear model of embeddings.

    Where options change by row, the features of a pair are the option's embedding, and the product
    and the absolute difference of both.

    Raises:
        CannotDo: Labels are neither classes nor options.
    """

    def features(examples: Sequence[Example]) -> Array:
        if task.label.kind == "choice":
            return _pairs(examples, embeddings)
        return embeddings.of([example.input for example in examples])

    return logistic.learn(task, train, features)


def _pairs(examples: Sequence[Example], embeddings: Embeddings) -> Array:
    questions = embeddings.of([e.input for e in examples for _ in e.choices])
    options = embeddings.of([option for e in examples for option in e.choices])
    shared = (questions * options).sum(1, keepdims=True)
    return np.hstack([options, questions * options, np.abs(questions - options), shared])
