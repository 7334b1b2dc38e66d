import pytest

from dsbs.core.records import METHODS, Answer, Example, Rationale, Target
from dsbs.distillation.methods import learned_rationales, make_pair, read_output, training_label

PREFIXES = {"label": "[label] ", "rationale": "[rationale] "}
DOG = Example("1", "train", {}, "A dog barks.", gold="mammal")
RIGHT = Answer("1", "ok", "It has fur.", "mammal")
WRONG = Answer("1", "ok", "It can fly.", "bird")


def targets(
    method: str, answer: Answer | None, labels: str = "gold", alpha: float = 0.5
) -> tuple[Target, ...] | None:
    label = training_label(DOG, answer, labels)  # type: ignore[arg-type]
    rationales = learned_rationales(answer, example=DOG, kind="class")
    if label is None:
        return None
    return make_pair(DOG, label, rationales, method=method, alpha=alpha, prefixes=PREFIXES).targets  # type: ignore[arg-type]


def test_each_method_makes_its_targets() -> None:
    assert targets("standard", RIGHT) == (Target("label", "mammal"),)
    assert targets("step_by_step", RIGHT, alpha=0.3) == (
        Target("label", "mammal", 0.3),
        Target("rationale", "It has fur.", 0.7),
    )
    assert targets("rationale_then_label", RIGHT) == (
        Target("label", "It has fur. [label] mammal"),
    )
    assert targets("label_then_rationale", RIGHT) == (
        Target("label", "mammal [rationale] It has fur."),
    )


def test_alpha_one_is_standard_and_alpha_zero_learns_rationales_alone() -> None:
    assert targets("step_by_step", RIGHT, alpha=1.0) == targets("standard", RIGHT)
    assert targets("step_by_step", RIGHT, alpha=0.0) == (Target("rationale", "It has fur.", 1.0),)


def test_with_gold_labels_every_row_stays_and_a_wrong_teacher_still_explains() -> None:
    assert targets("step_by_step", WRONG) == (
        Target("label", "mammal", 0.5),
        Target("rationale", "It can fly.", 0.5),
    )
    assert targets("step_by_step", None) == (Target("label", "mammal", 0.5),)
    assert targets("step_by_step", Answer("1", "failed")) == (Target("label", "mammal", 0.5),)
    assert targets("rationale_then_label", None) == (Target("label", "[label] mammal"),)


@pytest.mark.parametrize(
    "outcome", ["no_label", "label_not_allowed", "cut_off", "refused", "failed"]
)
def test_with_teacher_labels_a_row_needs_a_usable_one(outcome: str) -> None:
    answer = Answer("1", outcome, "It has fur.", "mammal")  # type: ignore[arg-type]
    assert targets("step_by_step", answer, labels="teacher") is None
    assert training_label(DOG, answer, "gold_else_teacher") == "mammal"
    assert targets(
        "step_by_step", Answer("1", "empty_rationale", None, "bird"), labels="teacher"
    ) == (Target("label", "bird", 0.5),)


def test_gold_else_teacher_takes_the_first_there_is() -> None:
    unlabelled = Example("1", "train", {}, "A dog barks.")
    assert training_label(DOG, WRONG, "gold_else_teacher") == "mammal"
    assert training_label(unlabelled, WRONG, "gold_else_teacher") == "bird"
    assert training_label(unlabelled, WRONG, "gold") is None
    assert training_label(DOG, WRONG, "teacher") == "bird"


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("prefixes", [PREFIXES, {"label": "predict: ", "rationale": "explain: "}])
def test_what_a_method_writes_it_reads_back(method: str, prefixes: dict[str, str]) -> None:
    because = (Rationale("It has fur."),)
    pair = make_pair(DOG, "mammal", because, method=method, alpha=0.5, prefixes=prefixes)  # type: ignore[arg-type]
    output = read_output(method, pair.targets[0].text, prefixes)  # type: ignore[arg-type]
    assert output.label == "mammal"
    assert output.rationale == (RIGHT.rationale if "then" in method else None)


def test_output_without_its_marker_has_no_label_or_is_all_label() -> None:
    assert read_output("rationale_then_label", "It has fur and", PREFIXES).label is None
    assert read_output("label_then_rationale", "mammal", PREFIXES) == ("mammal", None)
