"""From cells to claims: on cells made by hand, whose verdicts are known one by one."""

import numpy as np
import pytest

from dsbs.artifacts.results.compare import CompareResult
from dsbs.comparison.claims import judge, make_claims
from dsbs.comparison.findings import checkpoint_sentences, claim_sentence, detectable_sentence
from dsbs.comparison.power import ASSUMED_DISCORDANT
from dsbs.comparison.statistics import method_test
from support.made_cells import EXAMPLES, Made


def test_a_claim_is_that_of_the_paired_seeds(made: Made) -> None:
    (claim,) = make_claims(made.cells, made.verdicts)
    sides = [
        [list(made.verdicts[f"{m}-1.0-{seed}-steps"].values()) for seed in range(5)]
        for m in ("step_by_step", "standard")
    ]
    expected = method_test(np.array(sides[0]), np.array(sides[1]))
    assert (claim.method, claim.against.method, claim.strength) == (
        "step_by_step",
        "standard",
        "full",
    )
    assert claim.difference == pytest.approx(0.096)
    assert claim.p == claim.p_holm == pytest.approx(float(expected.p))
    assert claim.ci95_seeds_and_examples == pytest.approx(
        [float(end) for end in expected.ci95_seeds_and_examples]
    )
    assert [(c.seed, c.only_first, c.only_second) for c in claim.checkpoints][:2] == [
        (0, 10, 0),
        (1, 8, 1),
    ]
    text = claim_sentence(claim)
    assert text.startswith(
        "step_by_step against standard (s, gold labels, all data): +9.6 points (95 % interval"
    )
    assert "step_by_step is better (p = " in text
    assert "weak" not in text


def test_claims_are_refused_or_weak_with_few_seeds(made: Made) -> None:
    for seeds, strength in ((2, "refused"), (3, "weak"), (4, "weak"), (5, "full")):
        (claim,) = make_claims([c for c in made.cells if c.seed < seeds], made.verdicts)
        assert claim.strength == strength
        assert (claim.p is None) == (strength == "refused")
        weak = "The evidence is weak: fewer than 5 seeds."
        assert (weak in claim_sentence(claim)) == (strength == "weak")
        assert len(claim.checkpoints) == seeds
    (claim,) = make_claims([c for c in made.cells if c.seed < 1], made.verdicts)
    assert claim_sentence(claim).endswith(
        "1 seed is too few for a claim about the methods, which needs 3."
    )
    (text,) = checkpoint_sentences(claim)
    assert "10 questions are right with step_by_step only, 0 with standard only." in text
    assert "p = 0.002, which is about these checkpoints and not about the methods." in text


def test_only_seeds_that_both_have_are_paired(made: Made) -> None:
    cells = [c for c in made.cells if not (c.method == "standard" and c.seed == 2)]
    (claim,) = make_claims(cells, made.verdicts)
    assert claim.seeds == [0, 1, 3, 4]


def test_methods_without_a_common_seed_make_no_claim(made: Made) -> None:
    cells = [c for c in made.cells if (c.method == "standard") == (c.seed < 2)]
    assert make_claims(cells, made.verdicts) == []


def test_several_claims_are_corrected_together(made: Made) -> None:
    for seed in range(5):
        made.add("label_then_rationale", seed, 50 + seed)
        made.add("standard", seed, 59 + seed % 2, equal="compute")
    found = make_claims(made.cells, made.verdicts)
    assert [(c.method, c.against.equal) for c in found] == [
        ("step_by_step", "steps"),
        ("step_by_step", "compute"),
        ("label_then_rationale", "steps"),
        ("label_then_rationale", "compute"),
    ]
    tested = [(c.p, c.p_holm) for c in found if c.p is not None and c.p_holm is not None]
    assert len(tested) == 4
    assert all(c.comparisons == 4 for c in found)
    assert all(p_holm >= p for p, p_holm in tested)
    assert min(p_holm for _, p_holm in tested) == pytest.approx(4 * min(p for p, _ in tested))
    assert "corrected for 4 comparisons" in claim_sentence(found[1], "steps")
    assert "standard with equal compute" in claim_sentence(found[1], "steps")


def test_students_that_did_not_learn_are_named_in_the_claim(made: Made) -> None:
    made.cells[0] = made.cells[0].model_copy(update={"flags": ["at_chance"]})
    (claim,) = make_claims(made.cells, made.verdicts)
    assert claim.stuck == (0, 1)
    assert claim_sentence(claim).endswith(
        "1 of 5 standard students did not learn, so the difference is also one of stability."
    )


def test_the_detectable_difference_uses_what_was_measured(made: Made) -> None:
    results = CompareResult(out="", task="t", equal="steps", decode="generate", cells=made.cells)
    judged = judge(results, made.verdicts, {})
    found = judged.minimum_detectable
    (claim,) = judged.claims
    assert found is not None
    assert found.paired is not None
    assert found.measured
    discordant = [c.only_first + c.only_second for c in claim.checkpoints]
    assert found.discordant == pytest.approx(np.mean(discordant) / EXAMPLES)
    smallest = f"100 test questions show a difference of {100 * found.paired:.1f} points"
    assert detectable_sentence(found).startswith(smallest)


def test_a_comparison_in_which_everything_failed_claims_nothing(made: Made) -> None:
    failed = [c.model_copy(update={"status": "failed", "score": None}) for c in made.cells]
    results = CompareResult(out="", task="t", equal="steps", decode="generate", cells=failed)
    judged = judge(results, {}, {"a": True})
    assert (judged.claims, judged.data_needed, judged.minimum_detectable) == ([], [], None)
    assert [(group.done, group.failed) for group in judged.groups] == [(0, 5), (0, 5)]


def test_two_methods_at_chance_are_not_compared(made: Made) -> None:
    made.cells = [cell.model_copy(update={"flags": ["at_chance"]}) for cell in made.cells]
    (claim,) = make_claims(made.cells, made.verdicts)
    assert "No student on either side learned" in claim_sentence(claim)
    assert "is better" not in claim_sentence(claim)


def test_an_interval_that_includes_0_is_compatible_with_no_difference() -> None:
    made = Made()
    for seed in range(5):
        made.add("standard", seed, 50 + seed)
        made.add("step_by_step", seed, 54 - seed)
    (claim,) = make_claims(made.cells, made.verdicts)
    assert "The data are compatible with no difference (p = " in claim_sentence(claim)


def test_a_power_is_not_based_on_students_that_never_differ() -> None:
    made = Made()
    made.add("standard", 0, 60)
    made.add("step_by_step", 0, 60)
    results = CompareResult(out="", task="t", equal="steps", decode="generate", cells=made.cells)
    found = judge(results, made.verdicts, {}).minimum_detectable
    assert found is not None
    assert (found.measured, found.discordant) == (False, ASSUMED_DISCORDANT)
    assert "are assumed to give different verdicts" in detectable_sentence(found)


def test_rows_of_a_group_are_one_piece_of_evidence() -> None:
    """Fifteen questions on which one method is better: alone a claim, in one group none."""
    made = Made()
    for seed in range(5):
        made.add("standard", seed, 50)
        made.add("step_by_step", seed, 60 + 5 * (seed % 2))
    (claim,) = make_claims(made.cells, made.verdicts)
    groups = {str(n): f"g{n // 20}" for n in range(EXAMPLES)}
    (grouped,) = make_claims(made.cells, made.verdicts, groups)
    assert claim.p is not None
    assert grouped.p is not None
    assert claim.p < 0.05 < grouped.p
    assert grouped.groups_of_rows == 5
    assert grouped.checkpoints[0].p > claim.checkpoints[0].p
    (refused,) = make_claims(made.cells, made.verdicts, {str(n): str(n // 50) for n in range(100)})
    assert (refused.strength, refused.p) == ("refused", None)
    assert claim_sentence(refused).endswith("the test questions fall into 2 groups, too few.")
