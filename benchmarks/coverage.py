"""How often the intervals of method claims cover the truth, and how often they claim a difference
that is not there.

    python benchmarks/coverage.py

Prints the tables of docs/comparison.md: simulated comparisons of two methods, 2,000 for every
number, and simulated test sets of one student whose rows share groups or are few.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.stats import binom, norm, t

from dsbs.comparison.statistics import checkpoint_test, method_test
from dsbs.core.tables import table
from dsbs.metrics.accuracy import interval, wilson
from dsbs.metrics.intervals import clustered

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


class CoversShare(NamedTuple):
    """How often intervals of an accuracy hold."""

    ours: float
    independent: float
    """If rows of a group were independent."""


def covers_share(
    rng: np.random.Generator,
    sizes: NDArray[np.int64],
    accuracy: float,
    correlation: float,
    *,
    times: int = 4000,
) -> CoversShare:
    """One student on rows in groups of these `sizes`. The groups' accuracies have a beta
    distribution, so that two verdicts of a group have this intra-class `correlation`.
    """
    odds = (1 - correlation) / correlation
    of_group = rng.beta(accuracy * odds, (1 - accuracy) * odds, (times, sizes.size))
    right = rng.binomial(sizes, of_group).astype(float)
    ours = clustered(right, sizes.astype(float))
    plain = wilson(right.sum(axis=-1) / sizes.sum(), sizes.sum())
    shares = (np.mean((low <= accuracy) & (accuracy <= high)) for low, high in (ours, plain))
    return CoversShare(*map(float, shares))


def covers_grouped_claim(
    rng: np.random.Generator, *, groups: int, suits: float, seeds: int, times: int = 1000
) -> tuple[float, float]:
    """Shares of comparisons on groups of ten rows whose interval covers a true difference of 0:
    with the groups, and as if rows were independent. `suits` is how much a whole group suits one
    method (a standard deviation on the probit scale): 0.33, 0.65 and 1 are correlations of 0.1, 0.3
    and 0.5.
    """
    scale = (1 + suits**2) ** 0.5
    made = []
    for _ in range(2):
        of_group = suits * rng.standard_normal((times, 1, groups), dtype=np.float32)
        run = np.float32(0.1) * rng.standard_normal((times, seeds, 1), dtype=np.float32)
        drawn = rng.standard_normal((times, seeds, 10 * groups), dtype=np.float32)
        made.append(drawn + np.repeat(of_group, 10, axis=-1) + run > -norm.ppf(0.65) * scale)
    number = np.repeat(np.arange(groups), 10)
    found = []
    for known in (number, None):
        low, high = method_test(*made, known).ci95_seeds_and_examples
        found.append(float(np.mean((low <= 0) & (high >= 0))))
    return found[0], found[1]


def print_groups(rng: np.random.Generator) -> None:
    """How intervals hold where rows share groups."""
    rows = []
    for groups in (20, 50, 200):
        for size in (2, 5, 20):
            for accuracy in (0.5, 0.65, 0.8):
                found = [
                    covers_share(rng, np.full(groups, size), accuracy, correlation)
                    for correlation in (0.1, 0.3, 0.5)
                ]
                cells = (f"{100 * one.ours:.1f} / {100 * one.independent:.1f}" for one in found)
                rows.append([groups, size, accuracy, *cells])
    columns = ["groups", "rows each", "accuracy", *(f"correlation {c}" for c in (0.1, 0.3, 0.5))]
    print(table(columns, rows, title="accuracy over groups: covers / as independent rows"))
    rows = []
    shapes = {
        "3 of 10": np.full(3, 10),
        "8 of 4": np.full(8, 4),
        "1, 2, ..., 30": np.arange(1, 31),
        "100, 80, 64, ... (20)": np.maximum(1, (100 * 0.8 ** np.arange(20)).astype(int)),
    }
    for name, sizes in shapes.items():
        for accuracy in (0.5, 0.8, 0.95):
            found = [covers_share(rng, sizes, accuracy, c, times=2000) for c in (0.1, 0.5, 0.9)]
            rows.append([name, accuracy, *(f"{100 * one.ours:.1f}" for one in found)])
    columns = ["groups", "accuracy", *(f"correlation {c}" for c in (0.1, 0.5, 0.9))]
    print(table(columns, rows, title="few or unlike groups: covers"))
    rows = []
    for groups in (20, 50, 200):
        for suits, correlation in ((0.33, 0.1), (0.65, 0.3), (1.0, 0.5)):
            claims = [
                covers_grouped_claim(rng, groups=groups, suits=suits, seeds=seeds)
                for seeds in (3, 5)
            ]
            cells = (f"{100 * ours:.1f} / {100 * plain:.1f}" for ours, plain in claims)
            rows.append([groups, correlation, *cells])
    columns = ["groups of 10", "correlation", "3 seeds", "5 seeds"]
    print(table(columns, rows, title="claims over groups: covers / as independent rows"))


def print_few_rows() -> None:
    """The lowest coverage at any accuracy, exactly."""
    rows = []
    for n in (1, 5, 10, 20, 50, 99):
        right = np.arange(n + 1)
        lowest = []
        for low, high in (interval(right, n), wilson(right / n, n)):
            truths = np.concatenate([np.linspace(0.001, 0.999, 999), low + 1e-9, high - 1e-9])
            truths = truths[(truths > 0) & (truths < 1), None]
            covered = (low <= truths) & (truths <= high)
            lowest.append(f"{100 * (binom.pmf(right, n, truths) * covered).sum(axis=1).min():.1f}")
        rows.append([n, *lowest])
    print(table(["rows", "covers at least", "without correction"], rows, title="few rows"))


def main() -> None:
    """Print the tables."""
    print_few_rows()
    print_groups(np.random.default_rng(1))
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
