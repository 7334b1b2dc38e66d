"""Train one student, measure one student: each into its run folder, done once, taken up where it stopped.

What `train`, `evaluate` and `compare` share. The heavy libraries load only when there is something to do.
"""

from pathlib import Path
from typing import Any

from dsbs.artifacts.run_folder import open_run
from dsbs.config.train import TrainConfig
from dsbs.core.progress import say
from dsbs.distillation.training_set import Material


def train_run(config: TrainConfig, material: Material, out: Path) -> dict[str, Any]:
    """Train into `out`, or go on where an earlier start of the same run stopped; the results of the manifest."""
    inputs = [*material.files, *soft_teacher_files(config)]
    run = open_run(
        out, "train", config, inputs, task=material.task.name, answers=material.answers_runs
    )
    if run.finished is not None:
        say(f"{out} is done already")
        return run.finished
    from dsbs.student.checkpoint import BEST
    from dsbs.training.fit import fit

    results = {"out": str(out), "task": material.task.name, **fit(material, config, out)}
    run.done(results, sorted((out / BEST).iterdir()))
    return results


def soft_teacher_files(config: TrainConfig) -> list[Path]:
    """The weights of soft teachers that are folders."""
    return [
        file
        for teacher in config.soft_teacher
        for file in sorted(
            [*Path(teacher).glob("*.safetensors"), *Path(teacher).glob("best/*.safetensors")]
        )
    ]
