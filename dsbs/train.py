"""Train one student.

    python -m dsbs.train --data-frac 0.8
    python -m dsbs.train --answers runs/cqa-palm --student google/t5-v1_1-base --out runs/cqa-dss
    torchrun --nproc-per-node 8 -m dsbs.train --answers runs/cqa-palm --student google/t5-v1_1-large

Leaves a run folder: best/ (weights, tokenizer, dsbs.json), checkpoints/ (the last one, to go on
from), manifest.json.
"""

from collections.abc import Sequence
from pathlib import Path

from dsbs.artifacts.results.train import Schedule, TrainResult
from dsbs.cli.stage import Stage
from dsbs.config.resolve import answer_sources, data_source, training_of
from dsbs.config.train import TrainConfig
from dsbs.core.progress import say
from dsbs.core.require import check_installed
from dsbs.core.tables import percent
from dsbs.distillation.labeled_data import load_training_data
from dsbs.metrics.collapse import say_notices
from dsbs.training.run import train_run


def train(config: TrainConfig) -> TrainResult:
    """Train, or go on where an earlier start of the same run stopped."""
    check_installed("torch", "transformers", "accelerate", extra="train", needed_by="dsbs train")
    data = load_training_data(data_source(config), answer_sources(config))
    say(f"answers: {', '.join(str(run.folder) for run in data.teachers)}")
    training = training_of(config, data.task)
    config = config.model_copy(update={"student": training.student})
    name = f"{data.task.name}-{config.method}-{config.slug(*data.answer_names)}"
    results = train_run(training, data, config.out or Path("runs") / name, settings=config)
    say_notices(results.notices)
    return results


def show(results: TrainResult) -> str:
    """The run in a few lines."""
    marked = " (chosen by gold labels)" if results.selected_by == "gold" else ""
    fallen = f" (no rationales for {asked})" if (asked := results.fell_back_from) else ""
    explained = f"rationales for {results.n_explained:,}, " if results.method != "standard" else ""
    accuracy = percent(results.best_validation_accuracy)
    return "\n".join(
        [
            f"{results.student} ({results.parameters:,} parameters), {results.method}{fallen}, "
            f"labels {results.labels}",
            f"learned from {results.n_train:,} rows ({results.n_fraction:,} of "
            f"{results.n_rows:,} training rows were chosen), {explained}"
            f"{results.steps:,} steps, {results.epochs:.4g} epochs",
            *_schedules(results.schedules),
            f"best at step {results.best_step:,}: {accuracy} of {results.validation_rows:,} "
            f"validation rows{marked}{_rest(results)}",
            *_needs(results),
            f"student: {results.out}/best",
        ]
    )


def _schedules(schedules: Sequence[Schedule]) -> list[str]:
    """How training ended early, and how it was continued; nothing for one whole schedule."""
    lines = []
    for number, one in enumerate(schedules, 1):
        name = f"schedule {number}, steps {one.start + 1:,} to {one.end:,}"
        if one.stopped_by == "patience":
            lines.append(
                f"{name}: stopped before step {one.planned_end:,}, as it had learned (--patience)"
            )
        elif len(schedules) > 1:
            lines.append(name)
    return lines


def _needs(results: TrainResult) -> list[str]:
    """Whether the student needs the teacher in use."""
    needed = "it needs the teacher in use: it reads its rationale of every row"
    return [needed] if results.needs_teacher else []


def _rest(results: TrainResult) -> str:
    """What the steps after the best ones, or a further schedule, bought."""
    after = results.steps - results.best_step
    parts = [f"; the last {after:,} steps bought nothing"] if after else []
    if len(results.schedules) > 1:
        before = results.schedules[-2].best_validation_accuracy
        now = results.best_validation_accuracy
        if before is not None and now is not None:
            parts.append(f"; the last schedule bought {100 * (now - before):.1f} points")
    return "".join(parts)


STAGE = Stage("train", TrainConfig, train, show)

if __name__ == "__main__":
    STAGE.main()
