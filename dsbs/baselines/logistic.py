"""Logistic regression over features of a row, or of a row's question with each of its options."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dsbs.baselines.labels import CannotDo, Guess, LabeledRow, Labeler, Scores
from dsbs.core.records import Example
from dsbs.core.require import require
from dsbs.tasks.labels import meaning, same_label
from dsbs.tasks.task import Task

Features = Callable[[Sequence[Example]], Any]
"""Features (rows, features), sparse or dense; of options: a row for every question with each of its
options.
"""

_C = 10.0
"""Inverse strength of the penalty. Rows of TF-IDF have length 1, for which 1 is too strong."""
_STEPS = 300
_MANY = 50_000
"""Rows from which on the regression is fitted by stochastic gradients, in seconds."""


def learn(task: Task, train: Sequence[LabeledRow], features: Features) -> Labeler:
    """The likeliest class, or the likeliest option of a row.

    Raises:
        CannotDo: Labels are neither.
    """
    if task.label.kind == "class":
        return _classes(task, train, features)
    if task.label.kind == "choice":
        return _options(train, features)
    raise CannotDo(f"labels of kind {task.label.kind!r} are no closed set to choose from")


def _classes(task: Task, train: Sequence[LabeledRow], features: Features) -> Labeler:
    written = {meaning("class", label): label for label in task.label.labels}
    y = [meaning("class", row.label) for row in train]
    if len(set(y)) == 1:
        return lambda examples: [Guess(train[0].label)] * len(examples)
    model = _model(len(train), len(set(y))).fit(features([row.example for row in train]), y)
    names = [written.get(key, key) for key in model.classes_]

    def label(examples: Sequence[Example]) -> list[Guess]:
        return [_likeliest(names, row) for row in _log(model.predict_proba(features(examples)))]

    return label


def _options(train: Sequence[LabeledRow], features: Features) -> Labeler:
    rows = [row.example for row in train]
    y = [same_label("choice", o, row.label) for row in train for o in row.example.choices]
    if len(set(y)) == 1:
        return lambda examples: [Guess(example.choices[0]) for example in examples]
    model = _model(len(y), 2).fit(features(rows), y)

    def label(examples: Sequence[Example]) -> list[Guess]:
        logs = _log(model.predict_proba(features(examples)))[:, 1]
        ends = np.cumsum([len(example.choices) for example in examples])
        parts = np.split(logs, ends[:-1])
        return [_of_options(e.choices, part) for e, part in zip(examples, parts, strict=True)]

    return label


def _of_options(choices: Sequence[str], logs: NDArray[Any]) -> Guess:
    return _likeliest(choices, logs - np.logaddexp.reduce(logs))


def _likeliest(labels: Sequence[str], logs: NDArray[Any]) -> Guess:
    scores: Scores = {}
    for label, log in zip(labels, logs, strict=True):
        scores.setdefault(label, float(log))  # two options may be alike
    return Guess(max(scores, key=scores.__getitem__), scores)


def _model(rows: int, labels: int) -> Any:
    """Liblinear takes a fifth of the time of the default solver, and knows two labels only."""
    linear = require("sklearn.linear_model", "train", needed_by="--baselines")
    if rows > _MANY:
        return linear.SGDClassifier(
            loss="log_loss", alpha=1 / (_C * rows), max_iter=20, random_state=0, average=True
        )
    solver = "liblinear" if labels == 2 else "lbfgs"
    return linear.LogisticRegression(C=_C, max_iter=_STEPS, solver=solver)


def _log(chances: NDArray[Any]) -> NDArray[Any]:
    logs: NDArray[Any] = np.log(np.maximum(chances, 1e-12))
    return logs
