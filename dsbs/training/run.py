"""Train one student into its run folder, once.

`train` and `compare` share it. The heavy libraries load only if there is something to do.
"""

from functools import partial
from pathlib import Path

from dsbs.artifacts.results.train import TrainResult
from dsbs.artifacts.run_folder import open_run
from dsbs.artifacts.student_card import BEST, weight_files
from dsbs.config.base import StageConfig
from dsbs.config.recipe import Training
from dsbs.core.progress import say
from dsbs.distillation.labeled_data import TrainingData
from dsbs.training.schedules import begin_another


def train_run(
    training: Training, data: TrainingData, out: Path, *, settings: StageConfig
) -> TrainResult:
    """Train into `out`, or go on where an earlier start of the same run stopped.

    More steps than a run that is done has continue it as another schedule.

    Args:
        training: What to train.
        data: The rows and answers.
        out: The run folder.
        settings: The command's settings, which the manifest records.

    Returns:
        The results of the manifest.
    """
    soft_teachers = [file for name in training.recipe.soft.teachers for file in weight_files(name)]
    inputs = [*data.files, *soft_teachers]
    goes_on = partial(begin_another, out, training.optimization)
    with open_run(
        out, TrainResult, settings, inputs, answers=data.answer_folders, goes_on=goes_on
    ) as run:
        if run.finished is not None:
            say(f"{out} is done already")
            return run.finished
        from dsbs.training.fit import fit

        results = fit(training, data, out)
        run.finish(results, sorted((out / BEST).iterdir()))
        return results
