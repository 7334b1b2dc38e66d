"""Train one student, measure one student: each into its run folder, done once, taken up where it stopped.

What `train`, `evaluate` and `compare` share. The heavy libraries load only when there is something to do.
"""

from pathlib import Path

from dsbs.artifacts.results.train import TrainResult
from dsbs.artifacts.run_folder import open_run
from dsbs.config.train import TrainConfig
from dsbs.core.progress import say
from dsbs.distillation.training_set import Material


def train_run(config: TrainConfig, material: Material, out: Path) -> TrainResult:
    """Train into `out`, or go on where an earlier start of the same run stopped; the results of the manifest."""
    inputs = [*material.files, *soft_teacher_files(config)]
    answers = material.answer_folders
    with open_run(out, TrainResult, config, inputs, answers=answers) as run:
        if run.finished is not None:
            say(f"{out} is done already")
            return run.finished
        from dsbs.student.checkpoint import BEST
        from dsbs.training.fit import fit

        fitted = fit(material, config, out)
        results = TrainResult.model_validate(
            {"out": str(out), "task": material.task.name, **fitted}
        )
        run.finish(results, sorted((out / BEST).iterdir()))
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
