"""Several teachers as one, and which of their rationales are learned."""

import itertools
from pathlib import Path

import pytest
from conftest import Farm

from dsbs.config.train import TrainConfig
from dsbs.core.errors import InputError
from dsbs.core.records import Answer, Example
from dsbs.distillation.ensembles import combine, disagreement, spread, weighted_mean
from dsbs.distillation.methods import learned_rationales
from dsbs.distillation.training_set import load_material, training_rows

DOG = Example("1", "train", {}, "A dog barks.", gold="mammal")
SURE = Answer(
    "1", "ok", "It has fur.", "mammal", "exact", {"mammal": 0.9, "bird": 0.1}, ("It has paws.",)
)
WRONG = Answer("1", "ok", "It can fly.", "bird", "exact", {"mammal": 0.3, "bird": 0.7})
PLAIN = Answer("1", "ok", "It barks.", "mammal", "exact")
REFUSED = Answer("1", "refused")


@pytest.mark.parametrize("mean", ["arithmetic", "geometric"])
@pytest.mark.parametrize("answer", [SURE, WRONG, PLAIN, REFUSED])
def test_an_ensemble_of_one_is_that_one(mean: str, answer: Answer) -> None:
    assert combine([answer], [3.0], mean=mean) == answer  # type: ignore[arg-type]


@pytest.mark.parametrize("mean", ["arithmetic", "geometric"])
def test_the_order_of_teachers_does_not_matter(mean: str) -> None:
    named = list(zip([SURE, WRONG, PLAIN, REFUSED], [1.0, 0.7, 2.1, 1.0], strict=True))
    orders = [
        combine(*zip(*order, strict=True), mean=mean) for order in itertools.permutations(named)
    ]  # type: ignore[arg-type]
    assert (
        len(
            {
                (found.label, found.outcome, tuple((found.distribution or {}).items()))
                for found in orders
            }
        )
        == 1
    )


def test_distributions_are_averaged_by_weight_and_a_plain_answer_is_certain() -> None:
    equal = combine([SURE, WRONG], [1, 1])
    assert equal.distribution == pytest.approx({"bird": 0.4, "mammal": 0.6})
    assert (equal.label, equal.rationale) == ("mammal", "It has fur.")
    tipped = combine([SURE, WRONG], [1, 3])
    assert tipped.distribution == pytest.approx({"bird": 0.55, "mammal": 0.45})
    assert (tipped.label, tipped.rationale) == ("bird", "It can fly.")
    assert combine([WRONG, PLAIN], [1, 1]).distribution == pytest.approx(
        {"bird": 0.35, "mammal": 0.65}
    )
    root = combine([SURE, WRONG], [1, 1], mean="geometric").distribution
    assert root == pytest.approx(
        {"mammal": 0.27**0.5 / (0.27**0.5 + 0.07**0.5), "bird": 0.07**0.5 / (0.27**0.5 + 0.07**0.5)}
    )
    assert weighted_mean([{"a": 1.0}, {"b": 1.0}], [1, 1], mean="geometric") == pytest.approx(
        {"a": 0.5, "b": 0.5}
    )


def test_teachers_without_a_label_abstain() -> None:
    assert combine([REFUSED, WRONG], [9, 1]).label == "bird"
    assert combine([REFUSED, REFUSED, Answer("1", "cut_off")], [1, 1, 1]).outcome == "refused"


def test_a_label_that_nobody_put_first_has_nobodys_rationale() -> None:
    a = Answer("1", "ok", "r", "a", "exact", {"a": 0.5, "b": 0.45, "c": 0.05})
    c = Answer("1", "ok", "s", "c", "exact", {"a": 0.05, "b": 0.45, "c": 0.5})
    found = combine([a, c], [1, 1])
    assert (found.label, found.rationale, found.label_usable) == ("b", None, True)


def test_a_distribution_over_the_labels_that_a_row_has() -> None:
    assert spread({"b": 0.2, "z": 0.5, "a": 0.3}, ["a", "b", "c", "a"]) == pytest.approx(
        {"a": 0.6, "b": 0.4, "c": 0.0}
    )
    assert spread({"z": 1.0}, ["a", "b"]) is None


def test_disagreement_counts_rows_that_several_labelled() -> None:
    found = disagreement([(SURE, WRONG), (SURE, PLAIN), (SURE, REFUSED), (None, SURE)])
    assert found == {"rows": 2, "share": 0.5}
    assert disagreement([(SURE,)]) == {"rows": 0, "share": None}


def test_filters_drop_rationales_of_wrong_or_outvoted_answers() -> None:
    def texts(answer: Answer | None, **options: object) -> list[str]:
        return [r.text for r in learned_rationales(answer, example=DOG, kind="class", **options)]  # type: ignore[arg-type]

    assert texts(WRONG) == ["It can fly."]
    assert texts(WRONG, wanted="correct") == texts(WRONG, wanted="agree", voted="mammal") == []
    assert texts(WRONG, wanted="agree", voted="bird") == ["It can fly."]
    assert texts(SURE, wanted="correct") == ["It has fur."]
    assert texts(SURE, count=5) == ["It has fur.", "It has paws."]
    assert texts(REFUSED) == texts(None) == []
    unlabelled = Example("1", "train", {}, "A dog barks.")
    assert learned_rationales(SURE, example=unlabelled, kind="class", wanted="correct") == ()


def second_teacher(farm: Farm) -> None:
    """Another teacher of the farm: it takes birds for mammals where the first does not, and says more."""
    text = farm.answers.read_text().replace(
        "It has feathers. So it is a bird", "It is warm. So it is a mammal"
    )
    farm.answers.write_text(text.replace("It has fur.", "It has a coat of fur."))
    farm.generate(out=farm.folder / "second")


def rows_of(farm: Farm, *runs: str, **settings: object):  # type: ignore[no-untyped-def]
    config = TrainConfig(answers=[farm.folder / run for run in runs], **settings)  # type: ignore[arg-type]
    return training_rows(load_material(config), config)


def test_two_teachers_explain_every_row_and_their_disagreement_is_told(farm: Farm) -> None:
    farm.generate()
    second_teacher(farm)
    one, two, turned = (
        rows_of(farm, "answered"),
        rows_of(farm, "answered", "second"),
        rows_of(farm, "second", "answered"),
    )
    assert two == turned
    assert len(two.pairs) == len(one.pairs) == 64
    assert [len(pair.targets) for pair in two.pairs] == [3] * 64
    assert two.disagreement["rows"] == 64
    assert two.disagreement["share"] == pytest.approx(0.5, abs=0.1)
    agreeing = rows_of(farm, "answered", "second", filter="correct")
    assert {len(pair.targets) for pair in agreeing.pairs} == {2, 3}
    for runs, given in ((("answered", "second"), [3, 1]), (("second", "answered"), [1, 3])):
        weighted = rows_of(farm, *runs, teacher_weights=given)
        targets = {target.text: target.weight for pair in weighted.pairs for target in pair.targets}
        assert targets["It has fur."] == pytest.approx(0.75)  # the first teacher's
        assert targets["It has a coat of fur."] == pytest.approx(0.25)
        config = TrainConfig(answers=[farm.folder / run for run in runs], teacher_weights=given)
        assert load_material(config).answers_runs == [str(farm.folder / run) for run in runs]


def test_rationales_of_a_teacher_can_be_a_task_of_their_own(farm: Farm) -> None:
    from dsbs.distillation.teacher_runs import prefixes_of

    farm.generate()
    second_teacher(farm)
    named = {"rationale_tasks": ["rationale", "program=3"], "alpha": 0.2}
    pair = rows_of(farm, "answered", "second", **named).pairs[0]
    assert {(t.task, round(t.weight, 9)) for t in pair.targets} == {
        ("label", 0.2),
        ("rationale", 0.2),
        ("program", 0.6),
    }
    config = TrainConfig(answers=["a", "b"], **named)  # type: ignore[arg-type]
    assert prefixes_of(config) == {
        "label": "[label] ",
        "rationale": "[rationale] ",
        "program": "[program] ",
    }
    given = TrainConfig(answers=["a", "b"], prefixes=["a:", "b:", "c:"], **named)  # type: ignore[arg-type]
    assert prefixes_of(given)["program"] == "c: "
    with pytest.raises(InputError, match="label=1"):
        rows_of(farm, "answered", "second", rationale_tasks=["label", "x"])


def test_a_share_of_the_rationales_lies_inside_a_larger_share(farm: Farm) -> None:
    farm.generate()
    found = {}
    for share in (0.0, 0.25, 0.5, 1.0):
        rows = rows_of(farm, "answered", rationale_frac=share)
        found[share] = {pair.example_id for pair in rows.pairs if len(pair.targets) > 1}
        assert rows.n_explained == len(found[share]) == round(64 * share)
    assert found[0.25] < found[0.5] < found[1.0]


@pytest.mark.parametrize("method", ["step_by_step", "rationale_then_label", "label_then_rationale"])
def test_no_rationales_at_all_equals_standard(farm: Farm, method: str) -> None:
    farm.generate()
    assert rows_of(farm, "answered", method=method, rationale_frac=0) == rows_of(
        farm, "answered", method="standard", rationale_frac=0
    )


def test_rationales_keep_their_first_words(farm: Farm) -> None:
    from dsbs.student.encoding import word_shortener
    from dsbs.student.model import load_tokenizer

    farm.generate()
    tokenizer = load_tokenizer("tiny", lambda: ["It has feathers and it has a beak"] * 3)
    text = "It has feathers and a beak , as all of its kind do"
    assert word_shortener(tokenizer, None)(text) is text
    for limit in (3, 6, 10, 100):
        short = word_shortener(tokenizer, limit)(text)
        assert text.startswith(short)
        assert len(tokenizer(short, add_special_tokens=False).input_ids) <= limit
    config = TrainConfig(answers=[farm.folder / "answered"])
    capped = training_rows(load_material(config), config, lambda text: text[:6])
    assert {t.text for pair in capped.pairs for t in pair.targets if t.task == "rationale"} == {
        "It has"[:6]
    }


WRONG_SETTINGS = [
    ({"answers": ["a"], "teacher_weights": [1, 2]}, "teacher_weights"),
    ({"answers": ["a", "b"], "teacher_weights": [1, 0]}, "teacher_weights"),
    ({"answers": ["a"], "rationale_tasks": ["x", "y"]}, "rationale_tasks"),
    ({"alpha": 1.0, "alpha_schedule": "linear"}, "alpha_schedule"),
    ({"soft_teacher": ["a"]}, "soft_weight"),
    (
        {"soft_teacher": ["a"], "soft_weight": 0.5, "soft_teacher_weights": [1, 2]},
        "soft_teacher_weights",
    ),
]


@pytest.mark.parametrize(("settings", "name"), WRONG_SETTINGS)
def test_settings_that_cannot_go_together_are_refused_before_anything_is_read(
    settings: dict[str, object], name: str
) -> None:
    from dsbs import api

    with pytest.raises(InputError, match=f"--{name.replace('_', '-')}"):
        api.train(**settings)


def test_answers_of_two_tasks_are_refused(farm: Farm, tmp_path: Path) -> None:
    farm.generate()
    farm.task.write_text(farm.task.read_text().replace("name: farm", "name: yard"))
    farm.generate(out=tmp_path / "yard")
    with pytest.raises(InputError, match="runs of farm and yard"):
        rows_of(farm, "answered", str(tmp_path / "yard"))
