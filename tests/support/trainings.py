"""Trainings from flags, as the command resolves them."""

from typing import Any

from dsbs.config.recipe import Training
from dsbs.config.resolve import answer_sources, data_source, training_of
from dsbs.config.train import TrainConfig
from dsbs.distillation.labeled_data import TrainingData, load_training_data
from dsbs.distillation.training_set import (
    TrainingRows,
    ValidationRow,
    training_rows,
    validation_rows,
)


def data_of(**flags: Any) -> TrainingData:
    """The data of `dsbs train` with these flags."""
    config = TrainConfig(**flags)
    return load_training_data(data_source(config), answer_sources(config))


def settings_of(data: TrainingData, /, **flags: Any) -> Training:
    """The resolved settings of these flags."""
    return training_of(TrainConfig(**flags), data.task)


def rows_of(data: TrainingData, /, **flags: Any) -> TrainingRows:
    """The training rows with these flags."""
    training = settings_of(data, **flags)
    return training_rows(data, training.selection, training.recipe)


def validation_of(data: TrainingData, /, **flags: Any) -> list[ValidationRow]:
    """The validation rows with these flags."""
    return validation_rows(data, settings_of(data, **flags).validation)
