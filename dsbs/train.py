"""Train one student.

    python -m dsbs.train --data-frac 0.8
    python -m dsbs.train --answers runs/cqa-palm --student google/t5-v1_1-base --method step_by_step --out runs/cqa-dss
    torchrun --nproc-per-node 8 -m dsbs.train --answers runs/cqa-palm --student google/t5-v1_1-large

Leaves a run folder: best/ (weights, tokenizer, dsbs.json), checkpoints/ (the last one, to go on from), manifest.json.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from dsbs.artifacts.results.train import TrainResult
from dsbs.cli.stage import Stage
from dsbs.config.train import TrainConfig
from dsbs.core.progress import say
from dsbs.core.require import check_installed
from dsbs.core.tables import percent
from dsbs.distillation.training_set import load_material, student_of
from dsbs.training.run import train_run


def train(config: TrainConfig) -> TrainResult:
    """Train, or go on where an earlier start of the same run stopped. Returns the results of the manifest."""
    check_installed("torch", "transformers", "accelerate", extra="train", needed_by="dsbs train")
    material = load_material(config)
    say(f"answers: {', '.join(str(run.folder) for run in material.teachers)}")
    config = config.model_copy(update={"student": student_of(config.student, material.task)})
    name = f"{material.task.name}-{config.method}-{config.slug(*material.answers_runs)}"
    return train_run(config, material, config.out or Path("runs") / name)


def show(results: Mapping[str, Any]) -> str:
    """The run in a few lines."""
    accuracy = percent(results["best_validation_accuracy"])
    marked = " (chosen by gold labels)" if results["selected_by"] == "gold" else ""
    return "\n".join(
        [
            f"{results['student']} ({results['parameters']:,} parameters), {results['method']}, labels {results['labels']}",
            f"learned from {results['n_train']:,} of {results['n_fraction']:,} rows ({results['data_frac']:.4g} of "
            f"{results['n_rows']:,}), {results['settings']['max_steps']:,} steps, {results['epochs']:.4g} epochs",
            f"best at step {results['best_step']:,}: {accuracy} of {results['validation_rows']:,} validation rows{marked}",
            f"student: {results['out']}/best",
        ]
    )


STAGE = Stage("train", TrainConfig, train, show)

if __name__ == "__main__":
    STAGE.main()
