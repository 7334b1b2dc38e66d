"""How good the planner's fits are, on simulated runs of a known law and on real runs.

Of real runs the largest fractions are held out.

    python benchmarks/planner.py --repeats 100
    python benchmarks/planner.py runs/curve --hold 2

Needs `pip install 'dsbs[plan]'`. Its results are in docs/planner.md.
"""

import argparse
import time
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from dsbs.core.tables import percent, table
from dsbs.planning.comparisons import read_curves
from dsbs.scaling import laws
from dsbs.scaling.fitting import fit
from dsbs.scaling.forms import DISTILLATION, SUPERVISED
from dsbs.scaling.learning_curves import Curve, accuracy_at, fit_curve

FRACTIONS = np.array([0.1, 0.15, 0.25, 0.4, 0.55, 0.75, 1.0])
ROWS, SEEDS = 4000, 3
NOISE = 0.012
"""Standard deviation of an accuracy, over seeds and test examples together."""


def simulated_curve(rng: np.random.Generator, *, floor: float, factor: float, beta: float) -> Curve:
    """Seven fractions by three seeds of error = floor + factor / rows^beta, with noise."""
    rows = np.repeat(FRACTIONS * ROWS, SEEDS)
    accuracy = 1 - (floor + factor / rows**beta) + NOISE * rng.standard_normal(len(rows))
    return Curve("simulated", "step_by_step", "teacher", None, rows, accuracy, float(ROWS))


def curve_coverage(repeats: int, *, samples: int = 200) -> dict[float, tuple[float, float]]:
    """By multiples of the largest rows: how often the 90 % interval holds, and the mean error."""
    rng = np.random.default_rng(0)
    times = np.array([0.5, 1.0, 2.0])
    held = np.zeros(3)
    missed = np.zeros(3)
    for repeat in range(repeats):
        truth = {"floor": rng.uniform(0.05, 0.3), "beta": rng.uniform(0.3, 1.0)}
        truth["factor"] = rng.uniform(0.2, 0.5) * (FRACTIONS[0] * ROWS) ** truth["beta"]
        fitted = fit_curve(simulated_curve(rng, **truth), seed=repeat, samples=samples)
        expected = 1 - (truth["floor"] + truth["factor"] / (times * ROWS) ** truth["beta"])
        low, value, high = accuracy_at(fitted, times * ROWS)
        held += (low <= expected) & (expected <= high)
        missed += np.abs(value - expected)
    return {
        float(t): (h / repeats, m / repeats) for t, h, m in zip(times, held, missed, strict=True)
    }


def simulated_supervised(rng: np.random.Generator, noise: float = 0.01) -> tuple[Any, Any]:
    """Log sizes (40, 2) and losses (40,) of the published supervised law, with noise.

    Eight sizes by five ratios of tokens to parameters.
    """
    n, m = (
        grid.ravel() for grid in np.meshgrid(np.geomspace(1.5e8, 1e10, 8), [5, 20, 60, 200, 1000])
    )
    return np.log(np.column_stack([n, m * n])), laws.supervised_loss(n, m * n) * np.exp(
        noise * rng.standard_normal(len(n))
    )


def simulated_distillation(rng: np.random.Generator, noise: float = 0.01) -> tuple[Any, Any]:
    """Inputs (120, 4) and losses (120,) of the published distillation law, with noise.

    The inputs are logarithms of both sizes, the teacher's loss and the loss of training alone.
    """
    axes = np.meshgrid(np.geomspace(1.5e8, 7e9, 6), [10, 20, 60, 200], [1.9, 2.1, 2.3, 2.6, 3.0])
    n, m, teacher = (grid.ravel() for grid in axes)
    loss = laws.student_loss(n, m * n, teacher_loss=teacher) * np.exp(
        noise * rng.standard_normal(len(n))
    )
    return np.log(np.column_stack([n, m * n, teacher, laws.supervised_loss(n, m * n)])), loss


class Coverage(NamedTuple):
    """How often intervals of a refitted law hold its true loss."""

    between: float
    """At points between the runs."""
    error: float
    """Standard error of `between`. Points of one simulation share its fit, so simulations count."""
    beyond: float
    """At a point beyond all runs."""
    missed: float
    """The largest relative error of all."""
    seconds: float
    """Time of one fit."""


def law_coverage(repeats: int, *, samples: int = 200) -> dict[str, Coverage]:
    """The coverage of both laws, by name."""
    found = {}
    simulations = {
        "supervised": (SUPERVISED, simulated_supervised),
        "distillation": (DISTILLATION, simulated_distillation),
    }
    for name, (form, simulate) in simulations.items():
        held, missed, began = [], 0.0, time.perf_counter()
        points, truth = held_out_points(name)
        for repeat in range(repeats):
            x, loss = simulate(np.random.default_rng(repeat))
            low, value, high = fit(form, x, loss, seed=repeat, samples=samples).predict(points)
            held.append((low <= truth) & (truth <= high))
            missed = max(missed, float(np.max(np.abs(value / truth - 1))))
        between = np.mean(held, axis=1, where=[True] * 3 + [False])
        seconds = (time.perf_counter() - began) / repeats
        error = float(between.std() / np.sqrt(repeats))
        found[name] = Coverage(
            float(between.mean()), error, float(np.mean(held, axis=0)[3]), missed, seconds
        )
    return found


def held_out_points(name: str) -> tuple[Any, Any]:
    """Points that no simulation uses, with the law's own losses. The last one is the largest."""
    n = np.array([3e8, 1e9, 4e9, 1.2e10])
    d = np.array([1e10, 8e10, 2e11, 5e11])
    teacher = np.array([2.4, 2.2, 2.0, 2.0])
    alone = laws.supervised_loss(n, d)
    if name == "supervised":
        return np.log(np.column_stack([n, d])), alone
    return np.log(np.column_stack([n, d, teacher, alone])), laws.student_loss(
        n, d, teacher_loss=teacher
    )


def held_out(runs: list[Path], hold: int) -> str:
    """A table of the largest fractions, predicted from the smaller ones and measured."""
    rows = []
    for curve in read_curves(runs).curves:
        sizes = curve.sizes[-hold:]
        predicted = accuracy_at(fit_curve(curve.without(sizes)), sizes)
        for size, low, value, high in zip(sizes, *predicted, strict=True):
            measured = curve.mean(size)
            inside = "yes" if low <= measured <= high else "no"
            shares = map(percent, (value, low, high, measured, value - measured))
            rows.append([curve.name, int(size), *shares, inside])
    columns = ["curve", "rows", "predicted", "low", "high", "measured", "off by", "inside"]
    return table(columns, rows, title=f"the largest {hold} fractions, from the smaller ones")


def main() -> None:
    """Print the tables of real runs, or of simulations."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "runs", type=Path, nargs="*", help="finished comparisons; without one, simulations"
    )
    parser.add_argument(
        "--hold", type=int, default=2, help="fractions to hold out, the largest ones"
    )
    parser.add_argument("--repeats", type=int, default=20, help="simulations of each kind")
    given = parser.parse_args()
    if given.runs:
        print(held_out(given.runs, given.hold))
        return
    curves = [
        [f"{t:g}", percent(h), percent(m)] for t, (h, m) in curve_coverage(given.repeats).items()
    ]
    print(
        table(
            ["times the rows", "interval holds", "off by"],
            curves,
            title="learning curves, nominal 90 %",
        )
    )
    fits = [
        [name, *map(percent, shares), s]
        for name, (*shares, s) in law_coverage(given.repeats).items()
    ]
    print(
        table(
            [
                "law",
                "between the runs",
                "standard error",
                "beyond",
                "worst miss",
                "seconds per fit",
            ],
            fits,
            title="intervals of laws hold, with 1 % noise, nominal 90 %",
        )
    )


if __name__ == "__main__":
    main()
