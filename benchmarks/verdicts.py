"""Verdicts of comparisons whose right answer is known, because the tasks were built that way.

    python benchmarks/verdicts.py
    python benchmarks/verdicts.py --tasks keywords,noise --out runs/verdicts

Each task of `tests/support/built_tasks.py` is really trained: two methods and the default baselines
with three seeds each, on 2,000 rows, measured on 4,000. The stored predictions are then resampled 160
times, 4,000 rows with replacement, and a verdict is made of each. The same command goes on where it
stopped.
"""

import argparse
import sys
from collections import Counter
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

from dsbs import api  # noqa: E402
from dsbs.artifacts.predictions import read_verdicts  # noqa: E402
from dsbs.artifacts.results.compare import CompareResult  # noqa: E402
from dsbs.artifacts.results.verdict import Prices, Verdict  # noqa: E402
from dsbs.comparison.cells import Verdicts, counted_cells, done_cells  # noqa: E402
from dsbs.comparison.claims import make_claims  # noqa: E402
from dsbs.comparison.verdict import find_verdict  # noqa: E402
from support.built_tasks import BUILT_TASKS, BuiltTask, build  # noqa: E402

TRAIN, TEST, SEEDS = 2000, 4000, (0, 1, 2)
STUDENT = "tinier"
RESAMPLINGS = 160


class Outcome(NamedTuple):
    """What became of one task."""

    means: dict[str, float]
    right: int
    told: int
    """Verdicts with a choice."""
    seen: Counter[str]


def main() -> None:
    """Print one row for each task."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--tasks", default=",".join(BUILT_TASKS))
    parser.add_argument("--out", type=Path, default=Path("runs/verdicts"))
    parser.add_argument(
        "--steps", type=int, help="default: 2,000 where a student is right, else 300"
    )
    parser.add_argument("--resamplings", type=int, default=RESAMPLINGS)
    given = parser.parse_args()
    print(
        "| task | accuracy, % | right verdicts | with a choice | verdicts |\n|---|---|---|---|---|"
    )
    for name in given.tasks.split(","):
        task = BUILT_TASKS[name]
        steps = given.steps or (2000 if "student" in task.right else 300)
        found = outcome(task, given.out / name, steps, given.resamplings)
        means = ", ".join(f"{who} {100 * mean:.1f}" for who, mean in found.means.items())
        seen = ", ".join(f"{what} {count}" for what, count in found.seen.most_common())
        share = f"{found.right} of {given.resamplings}"
        print(f"| {name} | {means} | {share} | {found.told} | {seen} |", flush=True)


def outcome(task: BuiltTask, folder: Path, steps: int, resamplings: int) -> Outcome:
    """Train what is not trained yet, and judge resampled predictions."""
    results = compared(task, folder, steps)
    verdicts = {
        cell.name: read_verdicts(Path(results.out) / cell.predictions)
        for cell in done_cells(results.cells)
        if cell.predictions
    }
    draw = np.random.default_rng(0)
    known = [verdict_of(results, resampled(verdicts, draw)) for _ in range(resamplings)]
    return Outcome(
        means={one.name: one.mean for one in known[0].candidates},
        right=sum(is_right(task, one.category, one.choice) for one in known),
        told=sum(one.choice is not None for one in known),
        seen=Counter(f"{one.category}: {one.choice}" for one in known),
    )


def compared(task: BuiltTask, folder: Path, steps: int) -> CompareResult:
    """The comparison of a task."""
    answers = build(task, folder, train=TRAIN, test=TEST)
    settings: dict[str, Any] = {
        "max_steps": steps,
        "batch_size": 32,
        "eval_every": steps,
        "learning_rate": 1e-2,
        "max_input_tokens": 32,
        "max_target_tokens": 16,
        "duplicates": "never",
    }
    found = api.compare(
        answers=answers,
        student=STUDENT,
        methods=("standard", "step_by_step"),
        seeds=SEEDS,
        out=folder / "compared",
        **settings | task.compare,
    )
    return CompareResult.model_validate(found)


def verdict_of(results: CompareResult, verdicts: Verdicts) -> Verdict:
    """The verdict of a comparison with these predictions."""
    claims = make_claims(counted_cells(results.cells), verdicts)
    judged = results.model_copy(update={"claims": claims})
    return find_verdict(judged, verdicts, {}, {}, Prices())


def resampled(verdicts: Verdicts, draw: np.random.Generator) -> Verdicts:
    """The same test rows for all, drawn with replacement."""
    ids = list(next(iter(verdicts.values())))
    drawn = [ids[at] for at in draw.integers(len(ids), size=len(ids))]
    return {
        name: {f"{at}": one[identity] for at, identity in enumerate(drawn)}
        for name, one in verdicts.items()
    }


def is_right(task: BuiltTask, category: str, choice: str | None) -> bool:
    """Whether a verdict is right: its category, and the choice where only one is right."""
    return category in task.right and (not task.choices or choice in task.choices)


if __name__ == "__main__":
    main()
