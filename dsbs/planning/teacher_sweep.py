"""Students of several teachers, read from finished comparisons that differ in their answers."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from dsbs.artifacts.manifest import read_manifest
from dsbs.artifacts.results.cells import Group
from dsbs.artifacts.results.compare import CompareResult
from dsbs.artifacts.results.compared import TeacherResult
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


class _Teacher(NamedTuple):
    """A teacher of a comparison."""

    name: str
    size: float | None
    quality: float | None


def read_sweeps(runs: Sequence[Path], sizes: Mapping[str, float]) -> list[Sweep]:
    """One sweep for all students that differ in their teacher alone, where there are two or more.

    Args:
        runs: Run folders of compare: one over several teachers, or several over one each.
        sizes: Parameters of teachers by name. Others have the size in their name, or none.

    Raises:
        InputError: for runs of other commands, and for runs without anything in common.
    """
    found: dict[str, list[TeacherPoint]] = {}
    for run in runs:
        comparison, teachers = _read(run, sizes)
        for group in comparison.groups:
            teacher = teachers.get(group.teacher)
            if teacher is not None and group.mean is not None and not group.is_baseline:
                point = TeacherPoint(
                    teacher=teacher.name,
                    size=teacher.size,
                    quality=teacher.quality,
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


def _read(
    run: Path, sizes: Mapping[str, float]
) -> tuple[CompareResult, Mapping[str | None, _Teacher]]:
    """A comparison, and its teachers by the name that its groups have for them.

    Where there is one teacher, the groups have no name for it.
    """
    manifest = read_manifest(run)
    comparison = manifest.results
    if not isinstance(comparison, CompareResult):
        got = f"a run of {manifest.stage} with status {manifest.status}"
        expected = "a finished run of compare"
        raise InputError(f"--compare {run}", got=got, expected=expected, fix="check the path")
    # Comparisons over one teacher, and older ones, list no teachers.
    named: dict[str | None, _Teacher] = {
        one.name: _listed(one, sizes) for one in comparison.teachers
    }
    if len(named) == 1:
        return comparison, {None: named[comparison.teachers[0].name]}
    if named:
        return comparison, named
    return comparison, {None: _only_teacher(run, manifest.answer_places(run), comparison, sizes)}


def _listed(teacher: TeacherResult, sizes: Mapping[str, float]) -> _Teacher:
    """A teacher as its comparison describes it."""
    known = [_size(name, sizes) for name in (teacher.name, *teacher.models)]
    size = teacher.parameters or next(filter(None, known), None)
    return _Teacher(teacher.name, size, teacher.score.share if teacher.score else None)


def _only_teacher(
    run: Path, places: Sequence[Path], comparison: CompareResult, sizes: Mapping[str, float]
) -> _Teacher:
    """The teacher of a comparison over the answers of one run."""
    if len(places) != 1:
        got = f"the answers of {len(places)} runs together"
        expected = "those of one teacher"
        fix = "run dsbs compare once for each of them"
        raise InputError(f"--compare {run}", got=got, expected=expected, fix=fix)
    answers = read_manifest(places[0]).results
    if not isinstance(answers, GenerateResult):
        expected = "the run of generate that the comparison learned from"
        raise InputError(places[0], got="no answers", expected=expected, fix="check the path")
    score = comparison.teacher_score
    quality = score.share if score else comparison.teacher_accuracy
    return _Teacher(answers.teacher, _size(answers.teacher, sizes), quality)


def _size(teacher: str, sizes: Mapping[str, float]) -> float | None:
    if teacher in sizes:
        return sizes[teacher]
    try:
        return teacher_params(teacher)
    except InputError:
        return None


def _name(task: str, group: Group) -> str:
    """What students have in common besides their teacher."""
    further = [f", {name} {level}" for name, level in group.levels.items() if name != "teacher"]
    return (
        f"{task}, {group.student}, {group.method}, labels {group.labels}, "
        f"{percent(group.data_frac)} of the rows{''.join(further)}"
    )
