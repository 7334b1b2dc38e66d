"""How often a contract breaks its promise, and how much it lets a student answer.

    python benchmarks/contract.py bound      # 1,000 splits per setting, truth known
    python benchmarks/contract.py classes    # a threshold for each class
    python benchmarks/contract.py audit      # drift, and false withdrawals

The truth follows from the construction: a call's score is drawn from a beta distribution, and it
agrees with a probability that is a known function of the score. "naive" is the rule that picks the
lowest threshold whose share of differences on the same rows is within the budget.
"""

import argparse
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.stats import beta

sys.path.insert(0, str(Path(__file__).parent.parent))

from dsbs.contracts.audit import Audit
from dsbs.contracts.bound import Scores, Verdicts, find_threshold

AGREEMENTS = (0.76, 0.88, 0.93, 0.97)
BUDGETS = (0.005, 0.01, 0.02, 0.05)
ROWS = (200, 500, 1000, 5000)
LEVEL = 0.05
SPREAD = 2.0
"""Sum of the beta distribution's parameters: scores from unsure to very sure."""
GRID = 20_000

Agrees = Callable[[NDArray[np.float64]], NDArray[np.float64]]


class World(NamedTuple):
    """Calls whose truth is known."""

    shape: tuple[float, float]
    """Of the beta distribution of scores."""
    agrees: Agrees
    """The probability that a call with this score agrees."""
    quantiles: NDArray[np.float64]
    """(GRID,): scores at the middle of equally likely parts, ascending."""
    risk: NDArray[np.float64]
    """(GRID,): P(score >= that quantile and different)."""

    def risk_of(self, threshold: float | None) -> float:
        """The true share of calls that this threshold answers differently."""
        if threshold is None:
            return 0.0
        at = np.searchsorted(self.quantiles, threshold)
        return float(self.risk[at]) if at < GRID else 0.0

    def share_of(self, threshold: float | None) -> float:
        """The true share of calls that it answers."""
        return 0.0 if threshold is None else float(beta.sf(threshold, *self.shape))

    def best_share(self, budget: float) -> float:
        """The largest share that keeps the budget, if the truth were known."""
        return float((self.risk <= budget).mean())


def calibrated(score: NDArray[np.float64]) -> NDArray[np.float64]:
    """A score that is the probability itself."""
    return score


def overconfident(score: NDArray[np.float64]) -> NDArray[np.float64]:
    """A score whose log-odds are twice the truth's."""
    odds = np.sqrt(score / (1 - score + 1e-12))
    return odds / (1 + odds)


def upside_down(score: NDArray[np.float64]) -> NDArray[np.float64]:
    """A score whose surest calls are wrong more often than those below."""
    return np.where(score > 0.99, 0.9 * score, score)


def world(agreement: float, agrees: Agrees) -> World:
    """Scores whose mean is chosen so that so many calls agree."""
    low = 1e-3
    high = 1 - 1e-3
    for _ in range(50):
        mean = (low + high) / 2
        made = _made(mean, agrees)
        too_many = 1 - made.risk[0] > agreement
        low = low if too_many else mean
        high = mean if too_many else high
    return made


def _made(mean: float, agrees: Agrees) -> World:
    shape = (SPREAD * mean, SPREAD * (1 - mean))
    quantiles = beta.ppf((np.arange(GRID) + 0.5) / GRID, *shape)
    wrong = 1 - agrees(quantiles)
    risk = np.cumsum(wrong[::-1])[::-1] / GRID
    return World(shape, agrees, quantiles, risk)


def naive_threshold(scores: Scores, different: Verdicts, budget: float) -> float | None:
    """The rule of thumb: the lowest threshold with at most the budget on these rows."""
    order = np.argsort(-scores)
    passing = np.flatnonzero(np.cumsum(different[order]) <= budget * len(scores))
    return float(scores[order[passing[-1]]]) if passing.size else None


class Outcome(NamedTuple):
    """One setting."""

    score: str
    agreement: float
    budget: float
    rows: int
    best: float
    """The largest share that keeps the budget."""
    share: float
    """The median true share that the contract answers."""
    broken: float
    """Share of splits whose threshold breaks the budget."""
    naive_share: float
    naive_broken: float


def bound(splits: int) -> list[Outcome]:
    """All settings."""
    found = []
    for agrees in (calibrated, overconfident, upside_down):
        for agreement in AGREEMENTS:
            made = world(agreement, agrees)
            for rows in ROWS:
                found += one_size(made, agreement, rows, splits)
            print(f"{agrees.__name__} {agreement}", file=sys.stderr, flush=True)
    return found


def one_size(made: World, agreement: float, rows: int, splits: int) -> list[Outcome]:
    """All budgets, on the same splits."""
    random = np.random.default_rng([rows, round(1000 * agreement)])
    ours: dict[float, list[float | None]] = {budget: [] for budget in BUDGETS}
    naive: dict[float, list[float | None]] = {budget: [] for budget in BUDGETS}
    for _ in range(splits):
        scores = random.beta(*made.shape, rows)
        different = random.random(rows) >= made.agrees(scores)
        for budget in BUDGETS:
            found = find_threshold(scores, different, budget=budget, level=LEVEL)
            ours[budget].append(found.score)
            naive[budget].append(naive_threshold(scores, different, budget))
    return [
        Outcome(
            score=made.agrees.__name__,
            agreement=agreement,
            budget=budget,
            rows=rows,
            best=made.best_share(budget),
            share=float(np.median([made.share_of(one) for one in ours[budget]])),
            broken=float(np.mean([made.risk_of(one) > budget for one in ours[budget]])),
            naive_share=float(np.median([made.share_of(one) for one in naive[budget]])),
            naive_broken=float(np.mean([made.risk_of(one) > budget for one in naive[budget]])),
        )
        for budget in BUDGETS
    ]


def classes(splits: int) -> list[dict[str, float]]:
    """A threshold per class: broken where any class breaks its own budget."""
    found = []
    for count, budget, rows in [
        (3, 0.02, 1500),
        (3, 0.05, 900),
        (10, 0.02, 5000),
        (10, 0.05, 5000),
    ]:
        worlds = [world(AGREEMENTS[one % len(AGREEMENTS)], calibrated) for one in range(count)]
        random = np.random.default_rng([count, rows])
        broken = 0
        for _ in range(splits):
            label = random.integers(count, size=rows)
            thresholds = []
            for one, made in enumerate(worlds):
                scores = random.beta(*made.shape, int((label == one).sum()))
                different = random.random(scores.size) >= made.agrees(scores)
                level = LEVEL / count
                result = find_threshold(scores, different, budget=budget, level=level)
                thresholds.append(made.risk_of(result.score) > budget)
            broken += any(thresholds)
        found.append({"classes": count, "budget": budget, "rows": rows, "broken": broken / splits})
    return found


def audit(runs: int) -> list[dict[str, float]]:
    """Drift from half the budget to 10 %, and runs of 20,000 calls at the budget itself."""
    found = []
    for budget in (0.01, 0.02, 0.03):
        random = np.random.default_rng(round(1000 * budget))
        caught = 0
        for _ in range(runs):
            quiet = Audit(budget)
            quiet.observe_all((random.random(5000) < budget / 2).tolist())
            early = quiet.withdrawn
            caught += quiet.observe_all((random.random(500) < 0.1).tolist()) and not early
        false = sum(
            Audit(budget).observe_all((random.random(20_000) < budget).tolist())
            for _ in range(runs)
        )
        found.append({"budget": budget, "caught": caught / runs, "false": false / runs})
        print(found[-1], file=sys.stderr, flush=True)
    return found


def summary(found: list[Outcome]) -> str:
    """The worst broken rate per kind of score and number of rows, and the table at 2 %."""
    lines = []
    for kind in dict.fromkeys(one.score for one in found):
        for rows in ROWS:
            some = [one for one in found if one.score == kind and one.rows == rows]
            ours = [one.broken for one in some]
            naive = [one.naive_broken for one in some if one.best > 0]
            lines.append(
                f"| {kind} | {rows:,} | {np.mean(ours):.1%} | {max(ours):.1%} | "
                f"{np.mean(naive):.1%} | {max(naive):.1%} |"
            )
    lines.append("")
    for agreement in AGREEMENTS:
        row = [
            one
            for one in found
            if (one.score, one.agreement, one.budget) == ("calibrated", agreement, 0.02)
        ]
        shares = " | ".join(f"{one.share:.2f}" for one in row)
        lines.append(f"| {agreement:.0%} | {row[0].best:.2f} | {shares} |")
    return "\n".join(lines)


def main() -> None:
    """Run one part."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("part", choices=["bound", "classes", "audit"])
    parser.add_argument("--splits", type=int, default=1000)
    parser.add_argument("--out", type=Path)
    asked = parser.parse_args()
    if asked.part == "bound":
        outcomes = bound(asked.splits)
        print(summary(outcomes))
        values: object = [one._asdict() for one in outcomes]
    else:
        values = {"classes": classes, "audit": audit}[asked.part](asked.splits)
        print(json.dumps(values, indent=1))
    if asked.out:
        asked.out.write_text(json.dumps(values, indent=1))


if __name__ == "__main__":
    main()
