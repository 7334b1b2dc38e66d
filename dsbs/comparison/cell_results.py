"""What a comparison keeps of a student that was trained and measured."""

from collections.abc import Mapping
from pathlib import Path

from dsbs.artifacts.manifest import Manifest
from dsbs.artifacts.results.cells import CellResult
from dsbs.artifacts.results.evaluate import EvaluateResult
from dsbs.artifacts.results.train import TrainResult
from dsbs.comparison.groups import learning_flags
from dsbs.config.axes import Level
from dsbs.config.compare import Equal


def cell_result(
    trained: TrainResult,
    measured: EvaluateResult,
    *,
    name: str,
    out: Path,
    predictions: str,
    equal: Equal = "steps",
    train_s: float | None = None,
    levels: Mapping[str, Level] | None = None,
) -> CellResult:
    """What a comparison keeps of a student that was trained and measured.

    Args:
        trained: The result of its training.
        measured: The result of its measurement on test.
        name: Its name in the comparison.
        out: Its run folder.
        predictions: The file of its predictions, relative to the folder of the comparison.
        equal: What its number of steps makes equal among the methods.
        train_s: Core-seconds of its training, or device-seconds. Default: not known.
        levels: Its values of further axes. Default: none.
    """
    used = measured.cpu_s if trained.device == "cpu" else measured.wall_s
    return CellResult(
        student=trained.student,
        method=trained.method,
        labels=trained.labels,
        data_frac=trained.data_frac,
        seed=trained.seed,
        fell_back_from=trained.fell_back_from,
        equal=equal,
        **levels or {},
        name=name,
        learning_rate=trained.settings.learning_rate,
        out=str(out),
        status="done",
        predictions=predictions,
        score=measured.score,
        published_accuracy=measured.published_accuracy if measured.against == "gold" else None,
        unparsable=measured.unparsable,
        chance=measured.chance,
        teacher_accuracy=measured.teacher_accuracy,
        teacher_score=measured.teacher_score,
        flags=learning_flags(measured, measured.chance),
        notices=[*trained.notices, *measured.notices],
        steps=trained.steps,
        n_fraction=trained.n_fraction,
        n_train=trained.n_train,
        n_explained=trained.n_explained,
        epochs=trained.epochs,
        sequences_seen=trained.sequences_seen,
        target_tokens=trained.target_tokens,
        train_flops=trained.train_flops,
        clipped_share=trained.clipped_share,
        selected_by=trained.selected_by,
        validation_accuracy=trained.best_validation_accuracy,
        device=trained.device,
        train_s=train_s,
        call_s=None if used is None else used / measured.n,
        latency_ms=None if measured.wall_s is None else 1000 * measured.wall_s / measured.n,
    )


def training_seconds(trained: Manifest[TrainResult]) -> float | None:
    """Core-seconds of a training, device-seconds where it was on no processor; None if unknown."""
    if trained.results is None:
        return None
    if trained.results.device == "cpu":
        return trained.cpu_s * trained.results.processes
    return trained.wall_s * trained.results.processes
