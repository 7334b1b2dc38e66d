"""Measure one student into its run folder, once."""

from typing import Any

from dsbs.artifacts.predictions import PREDICTIONS
from dsbs.artifacts.run_folder import finished_run, open_run
from dsbs.config.evaluate import EvaluateConfig
from dsbs.core.progress import say
from dsbs.distillation.training_set import Material


def evaluate_run(config: EvaluateConfig, material: Material) -> dict[str, Any]:
    """Measure the student of a train run; the results of the manifest."""
    from dsbs.evaluation.measure import measure
    from dsbs.student.checkpoint import BEST, load_student, read_card

    trained = finished_run(config.run, "train", "--run")["results"]
    config = config.model_copy(
        update={"decode": config.decode or read_card(config.run / BEST).decode}
    )
    out = config.out or config.run / f"evaluate-{config.split}-{config.decode}"
    run = open_run(
        out, "evaluate", config, [*material.files, config.run / BEST / "model.safetensors"]
    )
    if run.finished is not None:
        say(f"{out} is done already")
        return run.finished
    student = load_student(config.run / BEST)
    measured = measure(
        student,
        material,
        split=config.split,
        out=out,
        decode=config.decode,
        batch_size=config.batch_size,
    )
    known = {
        key: trained[key]
        for key in ("method", "labels", "student", "data_frac", "seed", "selected_by")
    }
    results = {
        "run": str(config.run),
        "out": str(out),
        "task": material.task.name,
        **known,
        **measured,
    }
    run.done(results, [out / PREDICTIONS])
    return results
