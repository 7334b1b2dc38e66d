"""All that a report is made from: runs, comparisons and their students, and teachers."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dsbs.artifacts.manifest import Manifest
from dsbs.artifacts.results.cells import CellResult
from dsbs.artifacts.results.compare import CompareResult
from dsbs.artifacts.results.generate import GenerateResult
from dsbs.artifacts.results.train import TrainResult
from dsbs.comparison.cells import counted_cells


@dataclass(frozen=True)
class Run:
    """A run folder and its manifest."""

    path: Path
    manifest: Manifest[Any]


@dataclass(frozen=True)
class Student:
    """One student of a comparison: its result there, and what its own run folder adds."""

    result: CellResult
    predictions: Path | None = None
    """Its predictions on test; None if the file is gone."""
    manifest: Manifest[TrainResult] | None = None
    """That of its training; None if its run folder is gone or broken."""

    @property
    def name(self) -> str:
        """Its name in the comparison."""
        return self.result.name

    @property
    def trained(self) -> TrainResult | None:
        """The results of its training."""
        return self.manifest.results if self.manifest else None

    @property
    def hours(self) -> float | None:
        """Device hours of its training: wall time times processes."""
        if self.manifest is None or self.trained is None:
            return None
        return self.manifest.wall_s / 3600 * self.trained.processes


@dataclass(frozen=True)
class Comparison:
    """Students of one task that answered the same test questions."""

    name: str
    """The task, with a number if several comparisons in this report are of one task."""
    path: Path
    """The folder of the comparison, or of the first of students that were trained one by one."""
    results: CompareResult
    students: tuple[Student, ...]
    answers: Path | None
    """The run folder of the first teacher."""

    @property
    def task(self) -> str:
        """Name of the task."""
        return self.results.task

    @property
    def counted(self) -> list[Student]:
        """The students that may stand for their method."""
        names = {cell.name for cell in counted_cells(self.results.cells)}
        return [student for student in self.students if student.name in names]


@dataclass(frozen=True)
class Collected:
    """All that a report is made from."""

    runs: tuple[Run, ...]
    comparisons: tuple[Comparison, ...]
    teachers: Mapping[Path, GenerateResult]
    """The results of generate by run folder."""
