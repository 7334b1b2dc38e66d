"""Cells of a comparison made by hand."""

from typing import Any

from dsbs.metrics.accuracy import interval

EXAMPLES = 100


class Made:
    """Cells with verdicts: `right` of a cell are its examples from `start` on."""

    def __init__(self) -> None:
        self.cells: list[dict[str, Any]] = []
        self.verdicts: dict[str, dict[str, bool]] = {}

    def add(
        self,
        method: str,
        seed: int,
        right: int,
        *,
        start: int = 0,
        data_frac: float = 1.0,
        **more: Any,
    ) -> None:
        name = f"{method}-{data_frac}-{seed}-{more.get('equal', 'steps')}"
        cell = {
            "student": "s",
            "labels": "gold",
            "data_frac": data_frac,
            "method": method,
            "equal": "steps",
            "seed": seed,
        }
        cell |= {
            "name": name,
            "n": EXAMPLES,
            "accuracy": right / EXAMPLES,
            "ci95_examples": interval(right, EXAMPLES),
        }
        cell |= {
            "n_train": 9,
            "epochs": 1.0,
            "target_tokens": 5,
            "train_flops": 2.0,
            "learning_rate": 1e-3,
        }
        self.cells.append(cell | {"flags": [], "status": "done"} | more)
        self.verdicts[name] = {str(n): start <= n < start + right for n in range(EXAMPLES)}
