"""How often the intervals of method claims cover the truth, and how often they claim a difference
that is not there.

    python benchmarks/coverage.py

Prints the tables of docs/comparison.md: simulated comparisons of two methods, 2,000 for every
number.
"""

import numpy as np
from numpy.typing import NDArray
from scipy.stats import norm, t

from dsbs.comparison.statistics import checkpoint_test, method_test
from dsbs.core.tables import table

Verdicts = NDArray[np.bool_]

SEEDS, SPREADS, CHANCE = (3, 4, 5, 8), (0.005, 0.015, 0.05), 1 / 3


def simulate(
    rng: np.random.Generator,
    *,
    seeds: int,
    spread: float,
    difference: float = 0.0,
    hard: float = 1.0,
    suits: float = 0.5,
    stuck: float = 0.0,
    examples: int = 200,
    accuracy: float = 0.62,
    times: int = 2000,
) -> tuple[Verdicts, Verdicts]:
    """Verdicts (times, seeds, examples) of two methods that truly differ by `difference`, on a
    shared test set.

    Every verdict is a draw of its own (binomial noise), behind which stand: the seed, whose
    accuracies spread by `spread` (a standard deviation, as a share); how `hard` the example is for
    all; and how well it `suits` the method, whatever the seed (standard deviations on the probit
    scale, where the noise has 1). A probit model, so that the true mean accuracy is known exactly.
    A share `stuck` of the seeds of the second method stays at chance.
    """
    of_example = (1 + hard**2 + suits**2) ** 0.5
    of_seed = spread / norm.pdf(norm.ppf(accuracy)) * of_example
    scale = (of_example**2 + of_seed**2) ** 0.5
    shared = hard * rng.standard_normal((times, 1, examples), dtype=np.float32)
    made = []
    for mean in (accuracy + difference / 2, accuracy - difference / 2):
        suited = shared + suits * rng.standard_normal((times, 1, examples), dtype=np.float32)
        run = np.float32(of_seed) * rng.standard_normal((times, seeds, 1), dtype=np.float32)
        drawn = rng.standard_normal((times, seeds, examples), dtype=np.float32)
        made.append(drawn + suited + run + np.float32(norm.ppf(mean) * scale) > 0)
    if stuck:
        at_chance = rng.random((times, seeds, 1)) < stuck
        made[1] = np.where(at_chance, rng.random((times, seeds, examples)) < CHANCE, made[1])
    return made[0], made[1]


def coverage(rng: np.random.Generator, **settings: float) -> tuple[float, float, float]:
    """Shares: the interval covers a true 3 points; a difference is claimed where none is; the plain
    paired t test covers.
    """
    first, second = simulate(rng, difference=0.03, **settings)  # type: ignore[arg-type]
    stuck = settings.get("stuck", 0.0)
    truth = 0.635 - ((1 - stuck) * 0.605 + stuck * CHANCE)
    claim = method_test(first, second)
    low, high = claim.ci95_seeds_and_examples
    over_seeds = first.mean(axis=-1) - second.mean(axis=-1)
    half = (
        t.ppf(0.975, over_seeds.shape[-1] - 1)
        * over_seeds.std(axis=-1, ddof=1)
        / over_seeds.shape[-1] ** 0.5
    )
    plain = np.mean(np.abs(over_seeds.mean(axis=-1) - truth) <= half)
    wrong = np.mean(method_test(*simulate(rng, **{**settings, "stuck": 0.0})).p < 0.05)  # type: ignore[arg-type]
    return float(np.mean((low <= truth) & (truth <= high))), float(wrong), float(plain)


def main() -> None:
    """Print the tables."""
    rng = np.random.default_rng(0)
    settings = [
        (examples, suits, spread)
        for examples in (200, 1000)
        for suits in (0.0, 0.5, 1.0)
        for spread in SPREADS
    ]
    columns = [
        "examples",
        "suits",
        "spread, points",
        *(f"{n} seeds: covers / wrong / paired t covers" for n in SEEDS),
    ]
    rows = []
    for examples, suits, spread in settings:
        found = [
            coverage(rng, seeds=n, spread=spread, suits=suits, examples=examples) for n in SEEDS
        ]
        rows.append(
            [
                examples,
                suits,
                100 * spread,
                *(" / ".join(f"{100 * share:.1f}" for share in shares) for shares in found),
            ]
        )
    print(table(columns, rows, title="normal seeds, per cent", width=200))
    rows = []
    for stuck in (0.1, 0.3, 0.5):
        found = [coverage(rng, seeds=n, spread=0.015, stuck=stuck) for n in SEEDS]
        rows.append(
            [stuck, *(f"{100 * covers:.1f} / {100 * plain:.1f}" for covers, _, plain in found)]
        )
    print(
        table(
            ["stuck", *(f"{n} seeds: covers / paired t" for n in SEEDS)],
            rows,
            title="seeds stuck at chance",
        )
    )
    rows = []
    for spread in SPREADS:
        pairs = zip(*simulate(rng, seeds=1, spread=spread, suits=0.0, examples=1000), strict=True)
        rows.append(
            [
                100 * spread,
                100 * float(np.mean([checkpoint_test(a[0], b[0]).p < 0.05 for a, b in pairs])),
            ]
        )
    print(
        table(
            ["spread, points", "wrong"],
            rows,
            title="McNemar on one pair of seeds, 1,000 examples, no true difference",
        )
    )


if __name__ == "__main__":
    main()
