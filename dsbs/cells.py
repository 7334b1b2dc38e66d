"""Train one student, measure one student: each into its run folder, done once, taken up where it stopped.

What `train`, `evaluate` and `compare` share. The heavy libraries load only when there is something to do.
"""

from pathlib import Path
from typing import Any

from dsbs.config import EvaluateConfig, TrainConfig
from dsbs.material import Material
from dsbs.predictions import PREDICTIONS
from dsbs.progress import say
from dsbs.rundir import finished_run, open_run


def train_run(config: TrainConfig, material: Material, out: Path) -> dict[str, Any]:
    """Train into `out`, or go on where an earlier start of the same run stopped; the results of the manifest."""
    inputs = [*material.files, *soft_teacher_files(config)]
    run = open_run(out, "train", config, inputs, task=material.task.name, answers=material.answers_runs)
    if run.finished is not None:
        say(f"{out} is done already")
        return run.finished
    from dsbs.student.checkpoint import BEST
    from dsbs.student.fit import fit

    results = {"out": str(out), "task": material.task.name, **fit(material, config, out)}
    run.done(results, sorted((out / BEST).iterdir()))
    return results


def soft_teacher_files(config: TrainConfig) -> list[Path]:
    """The weights of soft teachers that are folders."""
    return [
        file
        for teacher in config.soft_teacher
        for file in sorted([*Path(teacher).glob("*.safetensors"), *Path(teacher).glob("best/*.safetensors")])
    ]


def evaluate_run(config: EvaluateConfig, material: Material) -> dict[str, Any]:
    """Measure the student of a train run; the results of the manifest."""
    from dsbs.student.checkpoint import BEST, load_student, read_card
    from dsbs.student.measure import measure

    trained = finished_run(config.run, "train", "--run")["results"]
    config = config.model_copy(update={"decode": config.decode or read_card(config.run / BEST).decode})
    out = config.out or config.run / f"evaluate-{config.split}-{config.decode}"
    run = open_run(out, "evaluate", config, [*material.files, config.run / BEST / "model.safetensors"])
    if run.finished is not None:
        say(f"{out} is done already")
        return run.finished
    student = load_student(config.run / BEST)
    measured = measure(student, material, split=config.split, out=out, decode=config.decode, batch_size=config.batch_size)
    known = {key: trained[key] for key in ("method", "labels", "student", "data_frac", "seed", "selected_by")}
    results = {"run": str(config.run), "out": str(out), "task": material.task.name, **known, **measured}
    run.done(results, [out / PREDICTIONS])
    return results
