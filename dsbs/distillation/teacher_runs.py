"""The generate runs that a student learns from: one per teacher, with the weight it has."""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from dsbs.artifacts.answer_dataset import answer_files, read_answers
from dsbs.artifacts.manifest import Manifest, finished_run, newest_run
from dsbs.artifacts.results.generate import GenerateResult
from dsbs.config.recipe import AnswerSources
from dsbs.core.errors import InputError
from dsbs.core.records import RATIONALE, Answer, Example
from dsbs.distillation.ensembles import combine
from dsbs.metrics.distributions import Mean
from dsbs.tasks.labels import LabelKind, same_label
from dsbs.tasks.prompts import load_task


@dataclass(frozen=True)
class TeacherRun:
    """One teacher's answers."""

    place: int
    """Its position among the named runs."""
    folder: Path
    made: Manifest[GenerateResult]
    answers: Mapping[str, Answer]
    """By example id."""
    weight: float
    """The weights of all runs have a mean of 1."""
    task: str
    """The task that its rationales are learned as."""

    @property
    def files(self) -> list[Path]:
        """The files that hold the answers."""
        return answer_files(self.folder)


class Ranking(NamedTuple):
    """The teachers, the best first: the one that decides where their labels tie."""

    runs: tuple[TeacherRun, ...]
    judged: int
    """Validation rows that put them in this order. 0: only the order in which they were named."""

    @property
    def reason(self) -> str:
        """Why they are in this order."""
        if self.judged:
            return f"by their accuracy on {self.judged:,} validation rows"
        return "as they were named, since validation cannot tell which is better"


def open_teachers(sources: AnswerSources, task: str | None) -> tuple[TeacherRun, ...]:
    """Read the answers of every run, in an order that their content gives.

    The order on the command line therefore changes nothing but ties: see `rank`.

    Args:
        sources: The runs. Without any, the newest run below ./runs is taken.
        task: The task (name or .yaml) that the newest run must be of, if any.

    Raises:
        InputError: A folder is no run of generate, holds nothing usable, or is of another task.
    """
    folders = sources.runs or _newest(task)
    weights = sources.weights or (1.0,) * len(folders)
    names = sources.tasks or (RATIONALE,) * len(folders)
    runs = []
    for place, (folder, weight, name) in enumerate(zip(folders, weights, names, strict=True)):
        share = len(folders) * weight / sum(weights)
        runs.append(_open(place, folder, share, name))
    tasks = sorted({run.made.final.task for run in runs})
    if len(tasks) > 1:
        got = f"runs of {' and '.join(tasks)}"
        fix = "name runs of one task"
        raise InputError("--answers", got=got, expected="runs of one task", fix=fix)
    return tuple(sorted(runs, key=_content_hash))


def rank(runs: Sequence[TeacherRun], kind: LabelKind, validation: Iterable[Example]) -> Ranking:
    """The teachers by how often they are right on validation, and then as they were named.

    Compared on the rows with a gold label that all of them have been asked for.
    """
    if len(runs) == 1:
        return Ranking(tuple(runs), 0)
    gold = [
        e for e in validation if e.gold is not None and all(e.id in run.answers for run in runs)
    ]
    right = {
        run.place: sum(same_label(kind, run.answers[e.id].label, e.gold) for e in gold)
        for run in runs
    }
    ordered = sorted(runs, key=lambda run: (-right[run.place], run.place))
    return Ranking(tuple(ordered), len(gold) if len(set(right.values())) > 1 else 0)


def combined(ranking: Ranking, kind: LabelKind, mean: Mean) -> dict[str, Answer]:
    """The joint answer of all teachers to every example that any of them answered, by id."""
    runs = ranking.runs
    if len(runs) == 1:
        return dict(runs[0].answers)
    ids = dict.fromkeys(identity for run in runs for identity in run.answers)
    return {identity: _joint_answer(runs, identity, kind, mean) for identity in ids}


def _newest(task: str | None) -> tuple[Path, ...]:
    name = load_task(task).name if task else None
    found = newest_run(GenerateResult, name)
    if found is not None:
        return (found,)
    of_task = f" of task {name!r}" if name else ""
    raise InputError(
        "--answers",
        got="nothing",
        expected=f"a finished generate run{of_task} below ./runs",
        fix="run dsbs generate first, or name its folder",
    )


def _open(place: int, folder: Path, weight: float, task: str) -> TeacherRun:
    made = finished_run(folder, GenerateResult, "--answers", partial=True)
    answers = read_answers(folder)
    if not any(answer.label_usable or answer.rationale_usable for answer in answers.values()):
        got = f"{len(answers):,} answers of a run that is {made.status}, none of them usable"
        fix = f"run dsbs generate again with --out {folder}"
        raise InputError(f"--answers {folder}", got=got, expected="usable answers", fix=fix)
    return TeacherRun(place, folder, made, answers, weight, task)


def _joint_answer(runs: Sequence[TeacherRun], identity: str, kind: LabelKind, mean: Mean) -> Answer:
    given = [(run.answers[identity], run.weight) for run in runs if identity in run.answers]
    answers = [answer for answer, _ in given]
    return combine(answers, [weight for _, weight in given], kind=kind, mean=mean)


def _content_hash(run: TeacherRun) -> str:
    return hashlib.sha256(b"".join(file.read_bytes() for file in run.files)).hexdigest()
