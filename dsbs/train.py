"""Train one student.

    python -m dsbs.train --data-frac 0.8
    python -m dsbs.train --answers runs/cqa-palm --student google/t5-v1_1-base --out runs/cqa-dss
    torchrun --nproc-per-node 8 -m dsbs.train --answers runs/cqa-palm --student google/t5-v1_1-large

Leaves a run folder: best/ (weights, tokenizer, dsbs.json), checkpoints/ (the last one, to go on
from), manifest.json.
"""

from pathlib import Path

from dsbs.artifacts.results.train import TrainResult
from dsbs.cli.stage import Stage
from dsbs.config.recipe import answer_sources, data_source, training_of
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
            f"learned from {results.n_train:,} of {results.n_fraction:,} rows "
            f"({results.data_frac:.4g} of {results.n_rows:,}), {explained}"
            f"{results.settings.max_steps:,} steps, {results.epochs:.4g} epochs",
            f"best at step {results.best_step:,}: {accuracy} of {results.validation_rows:,} "
            f"validation rows{marked}",
            f"student: {results.out}/best",
        ]
    )


STAGE = Stage("train", TrainConfig, train, show)

if __name__ == "__main__":
    STAGE.main()
