"""Which rows a contract leaves to the teacher, and what becomes of them."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from dsbs.artifacts.predictions import PredictedLine
from dsbs.contracts.contract import Contract
from dsbs.core.progress import say
from dsbs.core.records import Example, Prediction
from dsbs.core.tables import percent
from dsbs.data.readers import Rows
from dsbs.labeling.ask_again import ask_again
from dsbs.tasks.fingerprint import input_hash
from dsbs.tasks.task import Task


class Cascade:
    """Marks predictions under a contract. With a teacher's run, it labels the rows that are left.

    Without one, lines pass as they come. With one, all wait until the teacher has answered.
    """

    def __init__(self, contract: Contract, task: Task, teacher: Path | None) -> None:
        self._contract = contract
        self._task = task
        self._teacher = teacher
        self._rows: list[Mapping[str, Any]] = []
        """All rows as they came, where the teacher is asked."""
        self._hashes: list[str] = []
        self._local: list[bool] = []

    def watched(self, rows: Rows) -> Rows:
        """The rows as they come; they are kept where the teacher is asked."""
        for where, row in rows:
            if self._teacher is not None:
                self._rows.append(row)
            yield where, row

    def marked(
        self, line: PredictedLine, example: Example, prediction: Prediction
    ) -> PredictedLine:
        """The line with the contract's decision. Rows that are left have no label yet."""
        score = self._contract.score_of(prediction, self._task, example.choices)
        local = self._contract.answers_locally(score, prediction.label)
        self._local.append(local)
        if self._teacher is not None:
            self._hashes.append(input_hash(self._task, example))
        return line.in_cascade(local=local, score=score)

    def answered(self, lines: Iterator[PredictedLine]) -> Iterator[PredictedLine]:
        """The lines, with the teacher's label where it is asked; says how many were local."""
        if self._teacher is None:
            yield from lines
        else:
            yield from self._with_teacher(list(lines), self._teacher)
        if self._local:
            share = percent(sum(self._local) / len(self._local))
            say(f"answered locally: {sum(self._local):,} of {len(self._local):,} rows ({share})")

    def _with_teacher(self, lines: list[PredictedLine], run: Path) -> Iterator[PredictedLine]:
        rows = zip(self._rows, self._local, strict=True)
        left = [row for row, local in rows if not local]
        labels = ask_again(run, left) if left else {}
        for line, key in zip(lines, self._hashes, strict=True):
            yield line if line.local else line.model_copy(update={"label": labels.get(key)})
