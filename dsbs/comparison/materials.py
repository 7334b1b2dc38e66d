"""The rows and answers that the students of a comparison learn from: one set per teacher."""

import re
from collections.abc import Iterable, Sequence
from pathlib import Path

from dsbs.artifacts.results.compared import TeacherResult
from dsbs.artifacts.results.train import AnswerRows
from dsbs.config.axes import Value
from dsbs.config.resolve import answer_sources, data_source
from dsbs.config.train import TrainConfig
from dsbs.core.sizes import parse_size
from dsbs.distillation.labeled_data import TrainingData, load_training_data
from dsbs.tasks.task import Task

Key = tuple[tuple[Path, ...], tuple[str, ...]]

_SIZE = re.compile(r"(?<![\w.])(\d+(?:\.\d+)?[BMbm])(?![\w.])")
"""A number of parameters in a model's name: "Qwen2.5-7B-Instruct", "PaLM 540B"."""


class Materials:
    """The rows and answers of every cell, by its answers and its extra inputs."""

    def __init__(self, cells: Iterable[TrainConfig]) -> None:
        """Read them, each combination once. InputError where rows and answers do not fit."""
        self._found: dict[Key, TrainingData] = {}
        for settings in cells:
            if _key(settings) not in self._found:
                found = load_training_data(data_source(settings), answer_sources(settings))
                self._found[_key(settings)] = found

    def of(self, settings: TrainConfig) -> TrainingData:
        """The rows and answers of a cell with these settings."""
        return self._found[_key(settings)]

    @property
    def first(self) -> TrainingData:
        """Those of the first cell: the first teacher's."""
        return next(iter(self._found.values()))

    @property
    def task(self) -> Task:
        """The task, which all share."""
        return self.first.task

    @property
    def files(self) -> tuple[Path, ...]:
        """Every file that was read, once."""
        return tuple(dict.fromkeys(file for one in self._found.values() for file in one.files))

    @property
    def answer_folders(self) -> list[Path]:
        """The folders of all generate runs, once, as they were named."""
        folders = (folder for one in self._found.values() for folder in one.answer_folders)
        return list(dict.fromkeys(folders))

    @property
    def answer_names(self) -> list[str]:
        """The same as absolute paths in text: what sets run folders apart."""
        return [str(folder.resolve()) for folder in self.answer_folders]

    @property
    def answer_rows(self) -> list[AnswerRows]:
        """How the answers of each run fit the rows."""
        rows = {str(one): one for found in self._found.values() for one in found.answer_rows}
        return list(rows.values())

    def by_teacher(self, value: Value) -> TrainingData | None:
        """The rows and answers of a value of the axis `teacher`; None where no cell has them."""
        found = (data for (answers, _), data in self._found.items() if answers == value.setting)
        return next(found, None)

    def verdicts_of(self, teacher: TeacherResult) -> dict[str, bool]:
        """Whether a teacher is right, by example id, on the gold test rows that it answered."""
        folders = [[str(folder) for folder in one.answer_folders] for one in self._found.values()]
        at = folders.index(teacher.answers)
        return list(self._found.values())[at].teacher_verdicts("test")


def teachers_of(
    values: Sequence[Value], sizes: Sequence[float], materials: Materials
) -> list[TeacherResult]:
    """Every teacher of the comparison, with its own accuracy on test.

    Args:
        values: The values of the axis `teacher`.
        sizes: The parameters of each. Empty: as their names state.
        materials: Their answers.
    """
    found = []
    for at, value in enumerate(values):
        data = materials.by_teacher(value)
        size = sizes[at] if sizes else None
        if data is not None:
            found.append(_teacher(str(value.level), data, size))
    return found


def _teacher(name: str, data: TrainingData, size: float | None) -> TeacherResult:
    from dsbs.evaluation.measure import teacher_score  # it loads torch

    runs = data.named_teachers
    models = [run.made.final.teacher for run in runs]
    tests = [split for run in runs if (split := run.made.final.splits.get("test"))]
    strict = [test.teacher_accuracy_strict for test in tests]
    zero_shot = all(bool(run.made.config.get("zero_shot")) for run in runs)
    stated = (parameters_in(models[0]), parameters_in(name)) if len(models) == 1 else ()
    return TeacherResult(
        name=runs[0].folder.name if name == "none" else name,
        models=models,
        answers=[str(run.folder) for run in runs],
        method="zero-shot CoT" if zero_shot else "few-shot CoT",
        parameters=size if size is not None else next(filter(None, stated), None),
        score=teacher_score(data, "test"),
        published_accuracy=strict[0] if len(strict) == len(runs) == 1 else None,
    )


def parameters_in(name: str) -> float | None:
    """The parameters that a model's name states; None where it states none.

    >>> parameters_in("Qwen/Qwen2.5-7B-Instruct")
    7000000000.0
    """
    stated = _SIZE.findall(name)
    return parse_size(stated[-1]) if stated else None


def _key(settings: TrainConfig) -> Key:
    return (settings.answers, settings.extra_unlabeled)
