"""The baselines of a comparison: the same rows, labels, fractions and seeds as its students."""

import itertools
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple, cast

from dsbs.artifacts.predictions import PREDICTIONS
from dsbs.artifacts.results.cells import CellResult
from dsbs.artifacts.results.compare import CELLS, SkippedBaseline
from dsbs.baselines.kit import Kit
from dsbs.baselines.labels import CannotDo
from dsbs.comparison.cell import slug_of
from dsbs.comparison.groups import learning_flags
from dsbs.config.axes import Level
from dsbs.config.compare import Equal
from dsbs.config.presets import base_name
from dsbs.config.recipe import Training
from dsbs.core.failures import explained, print_bug
from dsbs.core.files import replacing
from dsbs.core.progress import say
from dsbs.core.records import BASELINE, Baseline, LearnedBy
from dsbs.distillation.labeled_data import TrainingData

NO_STUDENT = "none"
"""Stands for the student of a baseline that has no model of its own."""


class BaselineRows(NamedTuple):
    """Rows and labels to learn from, as a student of method `standard` would."""

    training: Training
    data: TrainingData
    levels: Mapping[str, Level]
    """Values of further axes."""


@dataclass(frozen=True)
class Plan:
    """Which baselines, on which rows."""

    names: Sequence[Baseline]
    rows: Sequence[BaselineRows]
    equal: Equal
    """That of the comparison."""
    kit: Kit
    embedding_model: str | None = None


class BaselineCells(NamedTuple):
    """What became of the baselines."""

    cells: list[CellResult]
    skipped: list[SkippedBaseline]


def run_baselines(plan: Plan, out: Path) -> BaselineCells:
    """Learn and measure every baseline, in a folder below `out` each.

    A baseline that cannot be had is skipped with its reason; it never fails a comparison.
    """
    cells: list[CellResult] = []
    reasons: dict[tuple[Baseline, str], None] = {}
    whole: dict[tuple[object, ...], CellResult] = {}
    for name, rows in itertools.product(plan.names, plan.rows):
        training = rows.training
        key = (name, training.recipe.labels, *rows.levels.items())
        try:
            # All rows are the same rows for every seed, and so is what is learned from them.
            if key in whole and training.selection.fraction == 1:
                cells.append(_again(whole[key], training.seed, out))
            else:
                cells.append(_cell(name, rows, plan, out))
        except Exception as error:  # students are worth more than what they are compared with
            reasons[name, _reason(error)] = None
        else:
            if training.selection.fraction == 1:
                whole[key] = cells[-1]
    for name, reason in reasons:
        say(f"baseline {name} is skipped: {reason}")
    return BaselineCells(
        cells, [SkippedBaseline(method=_method(name), reason=reason) for name, reason in reasons]
    )


def _method(name: Baseline) -> LearnedBy:
    return cast(LearnedBy, f"{BASELINE}{name}")


def _reason(error: Exception) -> str:
    if isinstance(error, CannotDo):
        return str(error)
    if known := explained(error, "this baseline"):
        return str(known)
    print_bug(error, "this baseline")
    return f"{type(error).__name__}: {error}"


def _again(known: CellResult, seed: int, out: Path) -> CellResult:
    """The same baseline under another seed."""
    name = f"{known.name.removesuffix(str(known.seed))}{seed}"
    folder = out / CELLS / name
    folder.mkdir(parents=True, exist_ok=True)
    with replacing(folder / PREDICTIONS) as partial:
        shutil.copyfile(out / str(known.predictions), partial)
    update = {
        "seed": seed,
        "name": name,
        "out": str(folder),
        "predictions": str((folder / PREDICTIONS).relative_to(out)),
    }
    return known.model_copy(update=update)


def _cell(name: Baseline, rows: BaselineRows, plan: Plan, out: Path) -> CellResult:
    # Not above: they load torch.
    from dsbs.baselines.measure import measure_baseline
    from dsbs.evaluation.measure import teacher_score

    training = rows.training
    data = rows.data
    labels = training.recipe.labels
    fraction = training.selection.fraction
    own = [base_name(plan.embedding_model)] if name == "embedding" and plan.embedding_model else []
    levels = [f"{axis}-{level}" for axis, level in rows.levels.items()]
    parts = [*own, name, labels, *levels, f"{fraction:.6g}", str(training.seed)]
    called = slug_of("-".join(parts))
    folder = out / CELLS / called
    found = measure_baseline(name, data, training.selection, training.recipe, plan.kit, folder)
    teacher = teacher_score(data, "test")
    return CellResult(
        student=own[0] if own else NO_STUDENT,
        method=_method(name),
        labels=labels,
        data_frac=fraction,
        seed=training.seed,
        equal=plan.equal,
        **rows.levels,
        name=called,
        out=str(folder),
        status="done",
        predictions=str((folder / PREDICTIONS).relative_to(out)),
        score=found.scores.score,
        unparsable=found.scores.unparsable,
        chance=found.chance,
        teacher_accuracy=teacher.share if teacher else None,
        teacher_score=teacher,
        # The commonest label is what chance is; that it does not learn is no news.
        flags=[] if name == "majority" else learning_flags(found.scores, found.chance),
        notices=found.scores.notices,
        n_fraction=found.counts.n_fraction,
        n_train=found.counts.n_train,
        train_s=found.train_s,
        call_s=found.call_s,
        latency_ms=found.latency_ms,
    )
