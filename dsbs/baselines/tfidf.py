"""TF-IDF of words and pairs of words, with logistic regression."""

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from dsbs.baselines import logistic
from dsbs.baselines.labels import LabeledRow, Labeler
from dsbs.core.records import Example
from dsbs.core.require import require
from dsbs.tasks.task import Task

_WORDS = r"(?u)\b\w+\b"
_CROSSED = 2**18
"""Columns for pairs of a question's word with an option's word, which are hashed."""


def tfidf(task: Task, train: Sequence[LabeledRow]) -> Labeler:
    """The label by a linear model of the input's words.

    Where options change by row, every option is judged with its question: by its own words, by the
    words that both share, and by pairs of a word of each.

    Raises:
        CannotDo: Labels are neither classes nor options.
    """
    rows = [row.example for row in train]
    if task.label.kind == "choice":
        return logistic.learn(task, train, _Pairs(rows).features)
    words = _vectorizer(2).fit([example.input for example in rows])
    return logistic.learn(
        task, train, lambda examples: words.transform([example.input for example in examples])
    )


class _Pairs:
    """Features of every question with each of its options."""

    def __init__(self, rows: Sequence[Example]) -> None:
        texts = [text for example in rows for text in (example.input, *example.choices)]
        self._words = _vectorizer(1).fit(texts)
        self._split = self._words.build_analyzer()

    def features(self, examples: Sequence[Example]) -> Any:
        """(pairs, features), sparse, row by row."""
        sparse = require("scipy.sparse", "train", needed_by="--baselines")
        questions = self._words.transform([e.input for e in examples for _ in e.choices])
        options = self._words.transform([option for e in examples for option in e.choices])
        shared = sparse.csr_matrix(questions.multiply(options).sum(axis=1))
        return sparse.hstack([options, shared, self._crossed(examples)], format="csr")

    def _crossed(self, examples: Sequence[Example]) -> Any:
        text = require("sklearn.feature_extraction", "train", needed_by="--baselines")
        hasher = text.FeatureHasher(_CROSSED, input_type="string", alternate_sign=False)
        normalize = require("sklearn.preprocessing", "train", needed_by="--baselines").normalize
        return normalize(hasher.transform(self._word_pairs(examples)))

    def _word_pairs(self, examples: Sequence[Example]) -> Iterable[list[str]]:
        for example in examples:
            ours = dict.fromkeys(self._split(example.input))
            for option in example.choices:
                theirs = dict.fromkeys(self._split(option))
                yield [f"{one} {other}" for one in ours for other in theirs]


def _vectorizer(longest: int) -> Any:
    """For one word up to this number of words in a row."""
    text = require("sklearn.feature_extraction.text", "train", needed_by="--baselines")
    return text.TfidfVectorizer(
        ngram_range=(1, longest), sublinear_tf=True, token_pattern=_WORDS, dtype=np.float32
    )
