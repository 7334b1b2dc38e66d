"""Any axis of a comparison is compared in pairs, by the statistics of methods."""

from dsbs.artifacts.results.compare import CompareResult
from dsbs.artifacts.results.compared import TeacherResult
from dsbs.comparison.claims import judge, make_claims
from dsbs.comparison.findings import claim_sentence, findings
from dsbs.comparison.names import setting_of
from support.made_cells import EXAMPLES, Made


def sweep() -> Made:
    """`standard`, and step-by-step of two teachers at two alphas: each makes a difference."""
    made = Made()
    for seed in range(5):
        made.add("standard", seed, 40 + seed % 2)
        for teacher, more in (("large", 0), ("small", 10)):
            for alpha, least in ((0.5, 50), (0.8, 70)):
                right = least + more + (seed * 3) % 4
                made.add("step_by_step", seed, right, start=seed, teacher=teacher, alpha=alpha)
    return made


def test_values_are_paired_where_all_else_is_equal() -> None:
    made = sweep()
    found = make_claims(made.cells, made.verdicts, axes=("method", "teacher", "alpha"))
    sides = [(c.axis, c.value, c.against_value, c.teacher, c.alpha) for c in found]
    assert sides[:4] == [
        ("method", "step_by_step", "standard", teacher, alpha)
        for teacher in ("large", "small")
        for alpha in (0.5, 0.8)
    ]
    assert sides[4:] == [
        ("teacher", "small", "large", "small", 0.5),
        ("teacher", "small", "large", "small", 0.8),
        ("alpha", 0.8, 0.5, "large", 0.8),
        ("alpha", 0.8, 0.5, "small", 0.8),
    ]
    differences = [round(100 * (claim.difference or 0)) for claim in found[4:]]
    assert differences == [10, 10, 20, 20]
    assert all(claim.comparisons == 8 and claim.strength == "full" for claim in found)
    assert all((claim.p_holm or 1) < 0.05 for claim in found if claim.axis == "alpha")


def test_the_same_numbers_stand_on_any_axis_for_the_same_difference() -> None:
    """A method and a teacher with the same verdicts: the same difference, interval and p."""
    as_methods = Made()
    as_teachers = Made()
    for seed, (low, high) in enumerate([(50, 60), (54, 61), (52, 65), (49, 58), (51, 60)]):
        as_methods.add("standard", seed, low)
        as_methods.add("step_by_step", seed, high, start=seed)
        as_teachers.add("step_by_step", seed, low, teacher="a")
        as_teachers.add("step_by_step", seed, high, start=seed, teacher="b")
    (one,) = make_claims(as_methods.cells, as_methods.verdicts)
    (other,) = make_claims(as_teachers.cells, as_teachers.verdicts, axes=("teacher",))
    same = {"difference", "ci95_seeds_and_examples", "p", "cohens_d", "checkpoints"}
    assert one.model_dump(include=same) == other.model_dump(include=same)


def test_sentences_name_the_axis() -> None:
    made = sweep()
    claim = make_claims(made.cells, made.verdicts, axes=("alpha",))[0]
    assert claim_sentence(claim).startswith(
        "alpha 0.8 against alpha 0.5 (step_by_step, s, gold labels, all data, teacher large): +20.0"
    )
    assert "alpha 0.8 is better" in claim_sentence(claim)
    assert setting_of(claim).endswith("all data, teacher large, alpha 0.8")
    few = make_claims([c for c in made.cells if c.seed < 2], made.verdicts, axes=("teacher",))[0]
    assert "2 seeds are too few for a claim about the teacher, which needs 3." in (
        claim_sentence(few)
    )


def test_students_are_measured_against_the_teacher_that_they_learned_from() -> None:
    made = sweep()
    teachers = [
        TeacherResult(name=name, models=[name], answers=[name]) for name in ("large", "small")
    ]
    results = CompareResult(
        out="c",
        task="t",
        equal="steps",
        decode="generate",
        cells=made.cells,
        teachers=teachers,
        pairs=["method"],
    )
    right = {str(n): n < 60 for n in range(EXAMPLES)}
    judged = judge(results, made.verdicts, right, teachers={"large": right, "small": right})
    against = [(n.method, n.teacher, n.alpha, n.against) for n in judged.data_needed]
    assert ("step_by_step", "small", 0.5, "teacher small") in against
    assert ("step_by_step", "small", 0.5, "teacher large") not in against
    assert ("standard", None, None, "teacher small") in against
    assert any("the teacher small" in line for line in findings(judged))
    assert len(judged.groups) == 5
    assert CompareResult.model_validate(judged.model_dump()).groups[1].teacher == "large"
