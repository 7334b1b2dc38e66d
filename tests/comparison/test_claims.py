"""From cells to claims: on cells made by hand, whose verdicts are known one by one."""

import numpy as np
import pytest

from dsbs.comparison.claims import claims, flags, groups, judge
from dsbs.comparison.findings import (
    checkpoint_sentences,
    claim_sentence,
    detectable_sentence,
    stuck_sentence,
)
from dsbs.comparison.statistics import mean_over_seeds, method_claim
from dsbs.metrics.accuracy import interval
from support.made_cells import EXAMPLES, Made


def test_a_group_has_both_intervals_and_counts_who_did_not_learn(made: Made) -> None:
    made.add("standard", 5, 20, flags=["at_chance"])
    made.add("standard", 6, 0, status="failed", accuracy=None)
    group = next(g for g in groups(made.cells, made.verdicts) if g["method"] == "standard")
    scores = [0.5, 0.54, 0.52, 0.49, 0.51, 0.2]
    assert (group["seeds"], group["done"], group["failed"], group["at_chance"]) == (7, 6, 1, 1)
    assert group["mean"] == pytest.approx(np.mean(scores))
    assert tuple(group["ci95_seeds"]) == pytest.approx(mean_over_seeds(scores).ci95_seeds)
    assert group["ci95_examples"][0] < group["mean"] < group["ci95_examples"][1]
    assert group["mean_learned"] == pytest.approx(np.mean(scores[:-1]))
    assert stuck_sentence(group) == (
        "standard, s, gold labels, all data: 1 of 7 failed and 1 of 7 stayed at chance; "
        "the mean of those that learned is 51.2 %"
    )
    assert (
        stuck_sentence(
            next(g for g in groups(made.cells, made.verdicts) if g["method"] == "step_by_step")
        )
        is None
    )


def test_one_seed_has_an_interval_over_examples_only() -> None:
    made = Made()
    made.add("standard", 0, 60)
    (group,) = groups(made.cells, made.verdicts)
    assert (group["standard_error"], group["ci95_seeds"]) == (None, None)
    assert group["ci95_examples"] == interval(60, EXAMPLES)


def test_a_claim_is_that_of_the_paired_seeds(made: Made) -> None:
    (claim,) = claims(made.cells, made.verdicts)
    sides = [
        [list(made.verdicts[f"{m}-1.0-{seed}-steps"].values()) for seed in range(5)]
        for m in ("step_by_step", "standard")
    ]
    expected = method_claim(np.array(sides[0]), np.array(sides[1]))
    assert (claim["method"], claim["against"]["method"], claim["strength"]) == (
        "step_by_step",
        "standard",
        "full",
    )
    assert claim["difference"] == pytest.approx(0.096)
    assert claim["p"] == claim["p_holm"] == pytest.approx(float(expected.p))
    assert claim["ci95_seeds_and_examples"] == pytest.approx(
        [float(end) for end in expected.ci95_seeds_and_examples]
    )
    assert [(c["seed"], c["only_first"], c["only_second"]) for c in claim["checkpoints"]][:2] == [
        (0, 10, 0),
        (1, 8, 1),
    ]
    assert (
        "step_by_step against standard, s, gold labels, all data: +9.6 points (95 % interval"
        in claim_sentence(claim)
    )
    assert "Weak" not in claim_sentence(claim)


def test_claims_are_refused_or_weak_with_few_seeds(made: Made) -> None:
    for seeds, strength in ((2, "refused"), (3, "weak"), (4, "weak"), (5, "full")):
        (claim,) = claims([c for c in made.cells if c["seed"] < seeds], made.verdicts)
        assert claim["strength"] == strength
        assert ("p" in claim) == (strength != "refused")
        assert ("Weak: fewer than 5 seeds" in claim_sentence(claim)) == (strength == "weak")
        assert len(claim["checkpoints"]) == seeds
    (claim,) = claims([c for c in made.cells if c["seed"] < 1], made.verdicts)
    assert "no claim about the methods from 1 seed; it takes 3" in claim_sentence(claim)
    (told,) = checkpoint_sentences(claim)
    assert (
        "10 questions only step_by_step gets right, 0 only standard; McNemar's exact p = 0.002"
        in told
    )


def test_only_seeds_that_both_have_are_paired(made: Made) -> None:
    cells = [c for c in made.cells if not (c["method"] == "standard" and c["seed"] == 2)]
    (claim,) = claims(cells, made.verdicts)
    assert claim["seeds"] == [0, 1, 3, 4]


def test_several_claims_are_corrected_together(made: Made) -> None:
    for seed in range(5):
        made.add("label_then_rationale", seed, 50 + seed)
        made.add("standard", seed, 59 + seed % 2, equal="compute")
    found = claims(made.cells, made.verdicts)
    assert [(c["method"], c["against"]["equal"]) for c in found] == [
        ("step_by_step", "steps"),
        ("step_by_step", "compute"),
        ("label_then_rationale", "steps"),
        ("label_then_rationale", "compute"),
    ]
    assert all(c["comparisons"] == 4 and c["p_holm"] >= c["p"] for c in found)
    assert min(c["p_holm"] for c in found) == pytest.approx(4 * min(c["p"] for c in found))
    assert "after correction for 4 comparisons" in claim_sentence(found[1], "steps")
    assert "standard (equal compute)" in claim_sentence(found[1], "steps")


def test_students_that_did_not_learn_are_named_in_the_claim(made: Made) -> None:
    made.cells[0]["flags"] = ["at_chance"]
    (claim,) = claims(made.cells, made.verdicts)
    assert claim["stuck"] == [0, 1]
    assert (
        "1 of 5 standard students did not learn, so this is a difference of stability too."
        in claim_sentence(claim)
    )


def test_the_detectable_difference_uses_what_was_measured(made: Made) -> None:
    found = judge(made.cells, made.verdicts)["minimum_detectable"]
    (claim,) = claims(made.cells, made.verdicts)
    discordant = [c["only_first"] + c["only_second"] for c in claim["checkpoints"]]
    assert found["discordant"] == pytest.approx(np.mean(discordant) / EXAMPLES)
    assert (
        f"100 test questions show a difference between two checkpoints four times of five if it is {100 * found['paired']:.1f}"
        in (detectable_sentence(found))
    )


def test_a_cell_at_chance_or_without_labels_is_flagged() -> None:
    measured = {"chance": 1 / 3, "unparsable": 0.0}
    assert flags({**measured, "ci95_examples": interval(345, 1000)}) == ["at_chance"]
    assert flags({**measured, "ci95_examples": interval(400, 1000)}) == []
    assert flags({**measured, "ci95_examples": interval(0, 1000), "unparsable": 0.9}) == [
        "at_chance",
        "unparsable",
    ]
