"""The rows that a student learns from, and the rows by which its best checkpoint is chosen."""

from pathlib import Path
from typing import Any

import pytest

from dsbs.core.errors import InputError
from dsbs.distillation.training_set import TrainingRows, training_rows
from support import trainings
from support.farm import Farm
from support.trainings import data_of, settings_of, validation_of


def second_teacher(farm: Farm) -> None:
    """Another teacher of the farm: it takes birds for mammals where the first does not, and says
    more.
    """
    text = farm.answers.read_text().replace(
        "It has feathers. So it is a bird", "It is warm. So it is a mammal"
    )
    farm.answers.write_text(text.replace("It has fur.", "It has a coat of fur."))
    farm.generate(out=farm.folder / "second")


def rows_of(farm: Farm, *runs: str, **flags: Any) -> TrainingRows:
    flags["answers"] = [farm.folder / run for run in runs]
    return trainings.rows_of(data_of(**flags), **flags)


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
    disagreement = two.counts.teacher_disagreement
    assert disagreement is not None
    assert disagreement.rows == 64
    assert disagreement.share == pytest.approx(0.5, abs=0.1)
    agreeing = rows_of(farm, "answered", "second", rationale_filter="correct")
    assert {len(pair.targets) for pair in agreeing.pairs} == {2, 3}
    for runs, given in ((("answered", "second"), [3, 1]), (("second", "answered"), [1, 3])):
        weighted = rows_of(farm, *runs, teacher_weights=given)
        targets = {target.text: target.weight for pair in weighted.pairs for target in pair.targets}
        assert targets["It has fur."] == pytest.approx(0.75)  # the first teacher's
        assert targets["It has a coat of fur."] == pytest.approx(0.25)
        data = data_of(answers=[farm.folder / run for run in runs], teacher_weights=given)
        assert data.answer_names == [str(farm.folder / run) for run in runs]


def test_rationales_of_a_teacher_can_be_a_task_of_their_own(farm: Farm) -> None:
    farm.generate()
    second_teacher(farm)
    named = {"rationale_tasks": ["rationale", "program=3"], "alpha": 0.2}
    pair = rows_of(farm, "answered", "second", **named).pairs[0]
    assert {(t.task, round(t.weight, 9)) for t in pair.targets} == {
        ("label", 0.2),
        ("rationale", 0.2),
        ("program", 0.6),
    }
    with pytest.raises(InputError, match="label=1"):
        rows_of(farm, "answered", "second", rationale_tasks=["label", "x"])


def test_a_share_of_the_rationales_lies_inside_a_larger_share(farm: Farm) -> None:
    farm.generate()
    found = {}
    for share in (0.0, 0.25, 0.5, 1.0):
        rows = rows_of(farm, "answered", rationale_frac=share, allow_no_rationales=True)
        found[share] = {pair.example_id for pair in rows.pairs if len(pair.targets) > 1}
        assert rows.counts.n_explained == len(found[share]) == round(64 * share)
    assert found[0.25] < found[0.5] < found[1.0]


NO_RATIONALES = {
    "a frac of 0": {"rationale_frac": 0.0},
    "a filter that nothing passes": {"rationale_filter": "correct", "labels": "teacher"},
    "answers without any": {},
}


@pytest.mark.parametrize("why", NO_RATIONALES)
@pytest.mark.parametrize("method", ["step_by_step", "rationale_then_label", "label_then_rationale"])
def test_a_method_without_a_single_rationale_is_refused_or_is_standard_when_that_is_allowed(
    farm: Farm, method: str, why: str
) -> None:
    flags = NO_RATIONALES[why]
    if why == "a filter that nothing passes":
        rows = [{**row, "kind": {"bird": "mammal"}.get(row["kind"], "bird")} for row in farm.rows]
        farm.write(rows)
    if why == "answers without any":
        text = farm.answers.read_text().replace("It has feathers.", "").replace("It has fur.", "")
        farm.answers.write_text(text)
    farm.generate()
    with pytest.raises(InputError, match="no rationale to learn in 64 rows"):
        rows_of(farm, "answered", method=method, **flags)
    allowed = rows_of(farm, "answered", method=method, allow_no_rationales=True, **flags)
    assert allowed == rows_of(farm, "answered", method="standard", **flags)
    assert (allowed.method, allowed.counts.n_explained) == ("standard", 0)


def test_rationales_without_any_weight_are_none(answered_farm: Farm) -> None:
    with pytest.raises(InputError, match="no rationale to learn in 64 rows with --alpha 1"):
        rows_of(answered_farm, "answered", method="step_by_step", alpha=1.0)


def test_what_is_learned_is_counted(farm: Farm, two_teachers: Farm) -> None:
    lines = farm.answers.read_text().splitlines()
    bare = [line.replace("It has feathers.", "").replace("It has fur.", "") for line in lines[3:]]
    farm.answers.write_text("\n".join([*lines[:3], *bare]) + "\n")
    golds = [{**row, "kind": row["kind"] if at % 2 else ""} for at, row in enumerate(farm.rows)]
    farm.write(golds)
    farm.generate()
    rows = rows_of(farm, "answered", labels="gold_else_teacher")
    with_rationale = [pair for pair in rows.pairs if len(pair.targets) == 2]
    assert 0 < rows.counts.n_explained == len(with_rationale) <= 3
    train = data_of(answers=farm.folder / "answered").splits["train"]
    assert rows.counts.n_teacher_labels == sum(example.gold is None for example in train) > 0
    soft = rows_of(two_teachers, "first", "second", soft_weight=0.5)
    assert soft.counts.n_distributions == soft.counts.n_train == 64


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
    data = data_of(answers=[farm.folder / "answered"])
    training = settings_of(data)
    capped = training_rows(data, training.selection, training.recipe, lambda text: text[:6])
    assert {t.text for pair in capped.pairs for t in pair.targets if t.task == "rationale"} == {
        "It has"[:6]
    }


def test_answers_of_two_tasks_are_refused(farm: Farm, tmp_path: Path) -> None:
    farm.generate()
    farm.task.write_text(farm.task.read_text().replace("name: farm", "name: yard"))
    farm.generate(out=tmp_path / "yard")
    with pytest.raises(InputError, match="runs of farm and yard"):
        rows_of(farm, "answered", str(tmp_path / "yard"))


def test_every_method_learns_from_the_same_rows(answered_farm: Farm) -> None:
    for labels in ("gold", "teacher"):
        ids = set()
        for method in ("standard", "step_by_step", "rationale_then_label", "label_then_rationale"):
            flags = {"method": method, "labels": labels, "data_frac": 0.5, "seed": 2}
            rows = rows_of(answered_farm, "answered", **flags)
            ids.add(tuple(pair.example_id for pair in rows.pairs))
        assert len(ids) == 1
        assert len(next(iter(ids))) == 32


def test_the_best_checkpoint_is_chosen_by_the_kind_of_label_that_training_uses(farm: Farm) -> None:
    text = farm.answers.read_text()
    farm.answers.write_text(text.replace("a bird", "a reptile"))  # the teacher is unusable on birds
    farm.generate()
    data = data_of(answers=farm.folder / "answered")
    rows = {}
    for labels, select_by in (
        ("gold", "training_labels"),
        ("teacher", "training_labels"),
        ("teacher", "gold"),
    ):
        chosen = validation_of(data, labels=labels, select_by=select_by)
        rows[labels, select_by] = [row.label for row in chosen]
    assert rows["gold", "training_labels"] == rows["teacher", "gold"]
    assert len(rows["gold", "training_labels"]) == 8
    assert set(rows["teacher", "training_labels"]) == {"mammal"}
    subset = validation_of(data, eval_max_examples=3)
    assert len(subset) == 3
    assert subset == validation_of(data, eval_max_examples=3, seed=5, data_frac=0.2)


def test_training_inputs_that_stand_in_test_are_dropped_on_request(farm: Farm) -> None:
    folder = farm.folder / "parts"
    folder.mkdir()
    farm.data.rename(folder / "train.csv")
    (folder / "test.csv").write_text(
        "".join((folder / "train.csv").read_text().splitlines(keepends=True)[:6])
    )
    farm.answers.write_text((farm.answers.read_text()).replace('"all-', '"train-'))
    farm.generate(data=folder)
    kept = rows_of(farm, "answered")
    dropped = rows_of(farm, "answered", drop_overlap=True)
    assert (len(kept.pairs), kept.counts.n_dropped_overlap) == (72, 0)
    assert len(dropped.pairs) + dropped.counts.n_dropped_overlap == 72
    assert 0 < dropped.counts.n_dropped_overlap <= 5
