"""Learn and measure one baseline, on the rows and with the labels of a student."""

import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Generic, NamedTuple, TypeVar

from dsbs.artifacts.predictions import PREDICTIONS, write_predictions
from dsbs.artifacts.results.evaluate import StudentScores
from dsbs.artifacts.results.train import RowCounts
from dsbs.baselines.kit import Kit
from dsbs.baselines.labels import Guess, LabeledRow
from dsbs.config.recipe import Recipe, Selection, SoftTargets
from dsbs.core.records import BASELINE, Baseline, Example, Prediction
from dsbs.distillation.labeled_data import TrainingData
from dsbs.distillation.training_set import training_rows
from dsbs.evaluation.measure import MeasuredRows, label_signs, measured_rows, scores
from dsbs.metrics.accuracy import chance_on
from dsbs.metrics.collapse import chance_notices
from dsbs.tasks.fingerprint import input_hash
from dsbs.tasks.labels import same_label
from dsbs.tasks.task import Task

T = TypeVar("T")


class Measured(NamedTuple):
    """A baseline that has learned and was measured on test."""

    scores: StudentScores
    counts: RowCounts
    chance: float
    train_s: float
    """Core-seconds of learning."""
    call_s: float
    """Core-seconds of each test row."""
    latency_ms: float
    """Of each test row, all at once."""


def measure_baseline(
    name: Baseline, data: TrainingData, selection: Selection, recipe: Recipe, kit: Kit, out: Path
) -> Measured:
    """Learn from a student's training rows, label test, and write the predictions to `out`.

    Args:
        name: The baseline.
        data: Rows and answers.
        selection: Which rows to learn from.
        recipe: Whose labels to learn.
        kit: What the baseline needs besides.
        out: The folder for its predictions.

    Raises:
        CannotDo: The baseline cannot do labels of this kind.
        InputError: No row has such a label.
    """
    counts, train = _training(data, selection, recipe)
    learned = _timed(partial(kit.learn, name, data.task, train), kit)
    rows = measured_rows(data, "test")
    labeled = _timed(partial(learned.result, rows.examples), kit)
    predictions = [
        _prediction(data.task, example, guess)
        for example, guess in zip(rows.examples, labeled.result, strict=True)
    ]
    out.mkdir(parents=True, exist_ok=True)
    write_predictions(out / PREDICTIONS, predictions)
    found, chance = _scores(name, data, rows, predictions)
    count = len(rows.examples)
    return Measured(
        scores=found,
        counts=counts,
        chance=chance,
        train_s=learned.core_s,
        call_s=labeled.core_s / count,
        latency_ms=1000 * labeled.wall_s / count,
    )


def _training(
    data: TrainingData, selection: Selection, recipe: Recipe
) -> tuple[RowCounts, list[LabeledRow]]:
    """The rows that a student of `standard` would learn from."""
    plain = replace(recipe, method="standard", soft=SoftTargets())
    found = training_rows(data, selection, plain)
    known = {e.id: e for split in ("train", "extra") for e in data.splits.get(split, ())}
    rows = [LabeledRow(known[p.example_id], p.targets[0].text) for p in found.pairs]
    return found.counts, rows


class _Timed(NamedTuple, Generic[T]):
    result: T
    core_s: float
    wall_s: float


def _timed(work: Callable[[], T], kit: Kit) -> _Timed[T]:
    """With what known embeddings saved, which another cell has paid."""
    saved = kit.saved_s
    started = (time.process_time(), time.perf_counter())
    result = work()
    ended = (time.process_time(), time.perf_counter())
    saved = kit.saved_s - saved
    return _Timed(result, ended[0] - started[0] + saved, ended[1] - started[1] + saved)


def _prediction(task: Task, example: Example, guess: Guess) -> Prediction:
    kind = task.label.kind
    return Prediction(
        example_id=example.id,
        raw=guess.label,
        label=guess.label,
        gold=example.gold,
        correct=same_label(kind, guess.label, example.gold),
        scores=guess.scores,
        input_hash=input_hash(task, example),
        group=example.group,
    )


def _scores(
    name: Baseline, data: TrainingData, rows: MeasuredRows, predictions: Sequence[Prediction]
) -> tuple[StudentScores, float]:
    """The scores with signs of collapse, and chance. `majority` is what collapse looks like."""
    found = scores(data.task, predictions, rows.against)
    labeled = [(example, example.gold or "") for example in rows.examples]
    chance = chance_on(data.task, labeled, scored=True)
    notices = []
    if name != "majority":
        who = f"{BASELINE}{name}, test"
        what = found.name.replace("_", " ")
        notices = [replace(one, who=who) for one in label_signs(data.task, rows, predictions)]
        notices += chance_notices(who, found.correct, found.n, chance, what=what)
    return found.model_copy(update={"notices": notices}), chance
