"""Students of several teachers, read from finished comparisons that differ in their answers."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from dsbs.artifacts.manifest import read_manifest
from dsbs.artifacts.results.compare import CompareResult, Group
from dsbs.artifacts.results.generate import GenerateResult
from dsbs.core.errors import InputError
from dsbs.core.tables import percent
from dsbs.planning.capacity_gap_check import TeacherPoint
from dsbs.planning.model_sizes import teacher_params


class Sweep(NamedTuple):
    """Students that differ in their teacher alone."""

    name: str
    """What they have in common, in words."""
    points: list[TeacherPoint]


def read_sweeps(runs: Sequence[Path], sizes: Mapping[str, float]) -> list[Sweep]:
    """One sweep for each student, method, labels and fraction that two or more teachers have.

    Args:
        runs: Run folders of compare, each over the answers of one teacher.
        sizes: Parameters of teachers by name. Others have the size in their name, or none.

    Raises:
        InputError: for runs of other commands or of several teachers at once, and for runs without
            anything in common.
    """
    found: dict[str, list[TeacherPoint]] = {}
    for run in runs:
        comparison, teacher = _read(run)
        score = comparison.teacher_score
        for group in comparison.groups:
            if group.mean is not None:
                point = TeacherPoint(
                    teacher=teacher,
                    size=_size(teacher, sizes),
                    quality=score.share if score else comparison.teacher_accuracy,
                    accuracy=group.mean,
                    interval=group.ci95_seeds or group.ci95_examples,
                )
                found.setdefault(_name(comparison.task, group), []).append(point)
    sweeps = [Sweep(name, points) for name, points in found.items() if len(points) > 1]
    if not sweeps:
        expected = "comparisons of the same students over the answers of two or more teachers"
        fix = "run dsbs compare once for each teacher's answers, with all else equal"
        got = f"{len(runs)} without a student in common"
        raise InputError("--compare", got=got, expected=expected, fix=fix)
    return sweeps


def _read(run: Path) -> tuple[CompareResult, str]:
    """A comparison, and the name of its teacher."""
    manifest = read_manifest(run)
    if not isinstance(manifest.results, CompareResult):
        got = f"a run of {manifest.stage} with status {manifest.status}"
        expected = "a finished run of compare"
        raise InputError(f"--compare {run}", got=got, expected=expected, fix="check the path")
    places = manifest.answer_places(run)
    if len(places) != 1:
        got = f"the answers of {len(places)} runs together"
        expected = "those of one teacher"
        fix = "run dsbs compare once for each of them"
        raise InputError(f"--compare {run}", got=got, expected=expected, fix=fix)
    answers = read_manifest(places[0]).results
    if not isinstance(answers, GenerateResult):
        expected = "the run of generate that the comparison learned from"
        raise InputError(places[0], got="no answers", expected=expected, fix="check the path")
    return manifest.results, answers.teacher


def _size(teacher: str, sizes: Mapping[str, float]) -> float | None:
    if teacher in sizes:
        return sizes[teacher]
    try:
        return teacher_params(teacher)
    except InputError:
        return None


def _name(task: str, group: Group) -> str:
    return (
        f"{task}, {group.student}, {group.method}, labels {group.labels}, "
        f"{percent(group.data_frac)} of the rows"
    )
