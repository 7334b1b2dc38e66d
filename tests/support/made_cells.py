"""Cells of a comparison made by hand."""

from typing import Any

from dsbs.artifacts.results.base import Score
from dsbs.artifacts.results.cells import CellResult
from dsbs.core.records import LearnedBy
from dsbs.metrics.accuracy import interval

EXAMPLES = 100


class Made:
    """Cells with verdicts: `right` of a cell are its examples from `start` on."""

    def __init__(self) -> None:
        self.cells: list[CellResult] = []
        self.verdicts: dict[str, dict[str, bool]] = {}

    def add(
        self,
        method: LearnedBy,
        seed: int,
        right: int,
        *,
        start: int = 0,
        data_frac: float = 1.0,
        **more: Any,
    ) -> None:
        others = [str(value) for axis, value in more.items() if axis != "equal"]
        name = "-".join([f"{method}-{data_frac}-{seed}-{more.get('equal', 'steps')}", *others])
        score = Score(n=EXAMPLES, correct=right, ci95_examples=interval(right, EXAMPLES))
        cell = CellResult(
            student="s",
            labels="gold",
            data_frac=data_frac,
            method=method,
            equal="steps",
            seed=seed,
            name=name,
            out=name,
            learning_rate=1e-3,
            status="done",
            score=score,
            n_train=9,
            epochs=1.0,
            target_tokens=5,
            train_flops=2.0,
        )
        self.cells.append(cell.model_copy(update=more))
        self.verdicts[name] = {str(n): start <= n < start + right for n in range(EXAMPLES)}
