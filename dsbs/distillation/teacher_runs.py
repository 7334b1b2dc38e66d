"""The generate runs that a student learns from: one a teacher, with its weight and the task of its rationales."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from dsbs.artifacts.answer_dataset import answer_files, read_answers
from dsbs.artifacts.manifest import Manifest, finished_run, newest_run
from dsbs.artifacts.results.generate import GenerateResult
from dsbs.config.recipe import StudentOptions
from dsbs.core.errors import InputError
from dsbs.core.records import LABEL, RATIONALE, Answer
from dsbs.distillation.ensembles import combine
from dsbs.metrics.distributions import Mean
from dsbs.tasks.prompts import load_task


@dataclass(frozen=True)
class TeacherRun:
    """One teacher's answers by example id. `made` is the manifest of the run, `task` what its rationales are learned as,
    `place` where it was named on the command line.
    """

    place: int
    folder: Path
    made: Manifest[GenerateResult]
    answers: Mapping[str, Answer]
    weight: float
    task: str

    @property
    def files(self) -> list[Path]:
        """The files that hold the answers."""
        return answer_files(self.folder)


def open_teachers(options: StudentOptions) -> tuple[TeacherRun, ...]:
    """The runs of `answers`, or the task's newest below ./runs, in an order of their content's, not of the command line's.

    Weights are scaled to a mean of 1. InputError for folders that are no finished runs, or are of different tasks.
    """
    named = load_task(options.task).name if options.task else None
    folders = options.answers or tuple(filter(None, [newest_run(GenerateResult, named)]))
    if not folders:
        expected = "a finished generate run" + f" of task {named!r}" * bool(named) + " below ./runs"
        raise InputError(
            "--answers",
            got="nothing",
            expected=expected,
            fix="run dsbs generate first, or name its folder",
        )
    weights = options.teacher_weights or (1.0,) * len(folders)
    names = [name for name, _ in map(_named, options.rationale_tasks)] or [RATIONALE] * len(folders)
    runs = [
        TeacherRun(
            place=place,
            folder=folder,
            made=finished_run(folder, GenerateResult, "--answers"),
            answers=read_answers(folder),
            weight=len(folders) * weight / sum(weights),
            task=name,
        )
        for place, (folder, weight, name) in enumerate(zip(folders, weights, names, strict=True))
    ]
    tasks = sorted({run.made.final.task for run in runs})
    if len(tasks) > 1:
        fix = "name runs of one task"
        raise InputError(
            "--answers", got=f"runs of {' and '.join(tasks)}", expected="runs of one task", fix=fix
        )
    return tuple(sorted(runs, key=_content))


def combined(runs: Sequence[TeacherRun], mean: Mean) -> dict[str, Answer]:
    """The answer of all teachers together to every example that any of them answered."""
    if len(runs) == 1:
        return dict(runs[0].answers)
    ids = dict.fromkeys(identity for run in runs for identity in run.answers)
    return {identity: _of_all(runs, identity, mean) for identity in ids}


def task_shares(options: StudentOptions) -> dict[str, float]:
    """Every rationale task with its share of 1 - alpha. InputError for a name that is taken or has two weights."""
    found: dict[str, float] = {}
    for name, weight in map(_named, options.rationale_tasks):
        if name == LABEL or weight <= 0 or found.get(name, weight) != weight:
            expected = f"names other than {LABEL!r}, each with one weight above 0"
            raise InputError(
                "--rationale-tasks",
                got=f"{name}={weight:g}",
                expected=expected,
                fix="choose others",
            )
        found[name] = weight
    total = sum(found.values())
    return {name: weight / total for name, weight in found.items()} or {RATIONALE: 1.0}


def prefixes_of(options: StudentOptions) -> dict[str, str]:
    """The input prefix of each task: those given, else the task's name in brackets."""
    label, rationale, *more = options.prefixes
    names = [name for name in task_shares(options) if name != RATIONALE]
    given = dict(zip(names, more, strict=False))
    own = {
        name: rationale if name == RATIONALE else given.get(name, f"[{name}] ")
        for name in task_shares(options)
    }
    return {LABEL: label, **own} | ({} if RATIONALE in own else {RATIONALE: rationale})


def _named(stated: str) -> tuple[str, float]:
    name, _, weight = stated.partition("=")
    try:
        return name, float(weight or 1)
    except ValueError:
        expected = "NAME or NAME=WEIGHT"
        raise InputError(
            "--rationale-tasks", got=repr(stated), expected=expected, fix="give a number"
        ) from None


def _of_all(runs: Sequence[TeacherRun], identity: str, mean: Mean) -> Answer:
    given = [(run.answers[identity], run.weight) for run in runs if identity in run.answers]
    return combine([answer for answer, _ in given], [weight for _, weight in given], mean=mean)


def _content(run: TeacherRun) -> str:
    return hashlib.sha256(b"".join(file.read_bytes() for file in run.files)).hexdigest()
