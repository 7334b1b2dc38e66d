"""Measure one student into its run folder, once."""

from dsbs.artifacts.manifest import finished_run
from dsbs.artifacts.predictions import PREDICTIONS
from dsbs.artifacts.results.evaluate import EvaluateResult
from dsbs.artifacts.results.train import TrainResult
from dsbs.artifacts.run_folder import open_run
from dsbs.config.evaluate import EvaluateConfig
from dsbs.core.progress import say
from dsbs.distillation.training_set import Material

_KNOWN = ("method", "labels", "student", "data_frac", "seed", "selected_by")


def evaluate_run(config: EvaluateConfig, material: Material) -> EvaluateResult:
    """Measure the student of a train run; the results of the manifest."""
    from dsbs.evaluation.measure import measure
    from dsbs.student.checkpoint import BEST, load_student, read_card

    manifest = finished_run(config.run, TrainResult, "--run")
    config = config.model_copy(
        update={"decode": config.decode or read_card(config.run / BEST).decode}
    )
    out = config.out or config.run / f"evaluate-{config.split}-{config.decode}"
    inputs = [*material.files, config.run / BEST / "model.safetensors"]
    with open_run(out, EvaluateResult, config, inputs) as run:
        if run.finished is not None:
            say(f"{out} is done already")
            return run.finished
        measured = measure(
            load_student(config.run / BEST),
            material,
            split=config.split,
            out=out,
            decode=config.decode,
            batch_size=config.batch_size,
        )
        known = {key: getattr(manifest.results, key) for key in _KNOWN}
        places = {"run": str(config.run), "out": str(out), "task": material.task.name}
        results = EvaluateResult.model_validate({**places, **known, **measured})
        run.finish(results, [out / PREDICTIONS])
        return results
