"""From the cells of a comparison to what may be said of it: means, claims about methods and about checkpoints."""

import itertools
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dsbs.artifacts.results.base import Score
from dsbs.comparison import statistics
from dsbs.comparison.statistics import ENOUGH_SEEDS, MIN_SEEDS

Cell = Mapping[str, Any]
Verdicts = Mapping[str, Mapping[str, bool]]
"""Whether each example was answered right, by example id, of each cell by its name."""

ASSUMED_DISCORDANT = 0.2
"""Share of examples that only one of two students gets right, as long as nobody has measured it: two seeds of one method
differ on a fifth or so."""

_SETTING = ("student", "labels", "data_frac")
_GROUP = (*_SETTING, "method", "equal")
_SHARED = ("n_train", "learning_rate", "epochs", "target_tokens", "train_flops")
_KEPT = (
    "n_fraction",
    "n_train",
    "epochs",
    "sequences_seen",
    "target_tokens",
    "train_flops",
    "clipped_share",
    "selected_by",
)
_MEASURED = ("n", "correct", "ci95_examples", "unparsable", "chance", "teacher_accuracy")
_MOSTLY = 0.5


def judge(cells: Sequence[Cell], verdicts: Verdicts) -> dict[str, Any]:
    """`groups`, `claims` and `minimum_detectable` of a comparison; see there."""
    made = claims(cells, verdicts)
    found: dict[str, Any] = {
        "groups": groups(cells, verdicts),
        "claims": made,
        "minimum_detectable": None,
    }
    if done := done_cells(cells):
        discordant = [
            (c["only_first"] + c["only_second"]) / c["n"]
            for claim in made
            for c in claim["checkpoints"]
        ]
        accuracy, measured = (
            float(np.mean([score(c) for c in done])),
            float(np.mean(discordant)) if discordant else None,
        )
        found["minimum_detectable"] = detectable(
            done[0]["n"], accuracy=accuracy, discordant=measured
        )
    return found


def flags(measured: Mapping[str, Any]) -> list[str]:
    """What makes a cell no example of learning: `at_chance` (its interval reaches chance), `unparsable` (mostly no label)."""
    at_chance = measured["ci95_examples"][0] <= measured["chance"]
    return ["at_chance"] * at_chance + ["unparsable"] * (measured["unparsable"] > _MOSTLY)


def cell_scores(trained: Mapping[str, Any], measured: Mapping[str, Any]) -> dict[str, Any]:
    """What a comparison keeps of a student: the results of its training and of its measurement."""
    kept = {key: trained[key] for key in _KEPT} | {"steps": trained["settings"]["max_steps"]}
    score = Score(
        against=measured["against"],
        n=measured["n"],
        correct=measured["correct"],
        ci95_examples=measured["ci95_examples"],
    )
    scores = {
        "score": score,
        "accuracy": score.accuracy,
        "teacher_agreement": score.teacher_agreement,
    }
    scores |= {key: measured[key] for key in _MEASURED}
    return {
        **scores,
        "flags": flags(measured),
        **kept,
        "validation_accuracy": trained["best_validation_accuracy"],
    }


def score(cell: Cell) -> float:
    """Accuracy of a cell that is done; without gold labels, its agreement with the teacher."""
    return float(cell["accuracy"] if cell["accuracy"] is not None else cell["teacher_agreement"])


def groups(cells: Sequence[Cell], verdicts: Verdicts) -> list[dict[str, Any]]:
    """The cells of equal settings, over their seeds, in the order of the grid.

    `mean` with `standard_error`, `ci95_seeds` and `ci95_examples` is of all cells that are `done`; how many of them did not
    learn (see `flags`) stands beside it, and `mean_learned` is of the others.
    """
    return [
        {key: same[0][key] for key in _GROUP} | _over_seeds(same, verdicts)
        for same in by_key(cells, _GROUP)
    ]


def claims(cells: Sequence[Cell], verdicts: Verdicts) -> list[dict[str, Any]]:
    """Every method against `standard` (or the first method) at the same student, labels and fraction.

    `strength` is "refused" below 3 common seeds, "weak" below 5, else "full"; only the last two have a `difference`, its
    interval, `p`, and `p_holm` after correction for all claims of the comparison. `checkpoints` holds McNemar's test of each
    pair of seeds, corrected among themselves. `stuck` counts seeds of each side that did not learn.
    """
    reference = reference_method(cells)
    found = [
        _claim(first, second, verdicts)
        for alike in by_key(done_cells(cells), _SETTING)
        for first, second in itertools.product(by_key(alike, ("method", "equal")), repeat=2)
        if first[0]["method"] != reference == second[0]["method"]
    ]
    found = [claim for claim in found if claim["seeds"]]
    tested = [claim for claim in found if claim["strength"] != "refused"]
    for claim, p in zip(tested, statistics.holm([claim["p"] for claim in tested]), strict=True):
        claim |= {"p_holm": p, "comparisons": len(tested)}
    checkpoints = [pair for claim in found for pair in claim["checkpoints"]]
    for pair, p in zip(
        checkpoints, statistics.holm([pair["p"] for pair in checkpoints]), strict=True
    ):
        pair["p_holm"] = p
    return found


def reference_method(cells: Sequence[Cell]) -> str:
    """The method that the others are compared with."""
    methods = [str(cell["method"]) for cell in cells]
    return "standard" if "standard" in methods else methods[0]


def done_cells(cells: Iterable[Cell]) -> list[Cell]:
    """Those that were trained and measured."""
    return [cell for cell in cells if cell["status"] == "done"]


def by_key(cells: Iterable[Cell], keys: Sequence[str]) -> list[list[Cell]]:
    """Cells that agree in `keys`, together, in the order in which their kind first comes."""
    found: dict[tuple[Any, ...], list[Cell]] = {}
    for cell in cells:
        found.setdefault(tuple(cell[key] for key in keys), []).append(cell)
    return list(found.values())


def paired(
    seeds: Sequence[int],
    first: Mapping[int, Mapping[str, bool]],
    second: Mapping[int, Mapping[str, bool]],
) -> tuple[NDArray[Any], NDArray[Any]]:
    """Both sides' verdicts (seeds, examples) on the examples that all of them answered."""
    sides = [side[seed] for side in (first, second) for seed in seeds]
    common = (
        [example for example in sides[0] if all(example in side for side in sides[1:])]
        if sides
        else []
    )
    made = [
        np.array([[side[seed][example] for example in common] for seed in seeds])
        for side in (first, second)
    ]
    return made[0], made[1]


def detectable(
    examples: int, *, accuracy: float, discordant: float | None = None
) -> dict[str, Any]:
    """The smallest differences between two checkpoints that this test set shows, and what that assumes."""
    assumed = ASSUMED_DISCORDANT if discordant is None else discordant
    found = statistics.minimum_detectable(examples, accuracy=accuracy, discordant=assumed)
    known = {
        "examples": examples,
        "accuracy": accuracy,
        "discordant": assumed,
        "measured": discordant is not None,
        "power": 0.8,
    }
    return known | found._asdict()


def _claim(first: Sequence[Cell], second: Sequence[Cell], verdicts: Verdicts) -> dict[str, Any]:
    ours, theirs = ({cell["seed"]: cell for cell in side} for side in (first, second))
    seeds = sorted(ours.keys() & theirs.keys())
    matrices = paired(
        seeds,
        {s: verdicts[c["name"]] for s, c in ours.items()},
        {s: verdicts[c["name"]] for s, c in theirs.items()},
    )
    found: dict[str, Any] = {
        **{key: first[0][key] for key in _GROUP},
        "against": {key: second[0][key] for key in ("method", "equal")},
        "seeds": seeds,
        "strength": "refused"
        if len(seeds) < MIN_SEEDS
        else "weak"
        if len(seeds) < ENOUGH_SEEDS
        else "full",
        "stuck": [sum(bool(side[seed]["flags"]) for seed in seeds) for side in (ours, theirs)],
        "checkpoints": [_checkpoints(*pair) for pair in zip(seeds, *matrices, strict=True)],
    }
    if found["strength"] == "refused":
        return found
    claim = statistics.method_claim(*matrices)
    interval = [float(end) for end in claim.ci95_seeds_and_examples]
    d = float(claim.cohens_d) if np.isfinite(claim.cohens_d) else None
    return found | {
        "difference": float(claim.difference),
        "ci95_seeds_and_examples": interval,
        "cohens_d": d,
        "p": float(claim.p),
    }


def _checkpoints(seed: int, first: NDArray[Any], second: NDArray[Any]) -> dict[str, Any]:
    return {"seed": seed, "n": first.size, **statistics.checkpoint_claim(first, second)._asdict()}


def _over_seeds(cells: Sequence[Cell], verdicts: Verdicts) -> dict[str, Any]:
    done = done_cells(cells)
    learned = [score(cell) for cell in done if not cell["flags"]]
    found: dict[str, Any] = {key: done[0].get(key) if done else None for key in _SHARED}
    found |= {"seeds": len(cells), "done": len(done), "failed": len(cells) - len(done)}
    found |= {
        flag: sum(flag in cell["flags"] for cell in done) for flag in ("at_chance", "unparsable")
    }
    found["mean_learned"] = float(np.mean(learned)) if learned else None
    if not done:
        return found | dict.fromkeys(("mean", "standard_error", "ci95_seeds", "ci95_examples"))
    over_seeds = statistics.mean_over_seeds([score(cell) for cell in done])
    known = [list(verdicts[cell["name"]].values()) for cell in done if cell["name"] in verdicts]
    if len(done) == 1:
        examples = done[0]["ci95_examples"]
    else:
        examples = _possible(statistics.mean_over_examples(np.array(known))) if known else None
    return (
        found
        | over_seeds._asdict()
        | {"ci95_seeds": _possible(over_seeds.ci95_seeds), "ci95_examples": examples}
    )


def _possible(interval: statistics.Interval | None) -> list[float] | None:
    """An interval without what no accuracy can be."""
    return None if interval is None else [max(0.0, interval.low), min(1.0, interval.high)]
