"""Rows and answers together."""

import json
import re
import shutil
from pathlib import Path
from typing import Any

import pytest

from dsbs.core.errors import InputError
from dsbs.distillation.labeled_data import tokenizer_texts
from support.farm import Farm
from support.trainings import data_of


def test_the_tokenizer_sees_the_whole_training_part_and_nothing_of_test(
    answered_farm: Farm,
) -> None:
    data = data_of(answers=answered_farm.folder / "answered")
    texts = set(tokenizer_texts(data))
    assert all(example.input in texts for example in data.splits["train"])
    held_out = [e for split in ("validation", "test") for e in data.splits[split]]
    assert not any(example.input in texts for example in held_out)


def keep_answers(farm: Farm, count: int) -> None:
    """Let the teacher answer the first rows alone."""
    lines = farm.answers.read_text().splitlines(keepends=True)
    farm.answers.write_text("".join(lines[:count]))


def status_of(farm: Farm) -> str:
    manifest: dict[str, Any] = json.loads((farm.folder / "answered/manifest.json").read_text())
    return str(manifest["status"])


def test_a_run_with_failed_rows_is_read_and_its_missing_rows_are_counted(
    farm: Farm, capsys: pytest.CaptureFixture[str]
) -> None:
    keep_answers(farm, 50)
    farm.generate()
    assert status_of(farm) == "incomplete"
    data = data_of(answers=farm.folder / "answered")
    train = {example.id for example in data.splits["train"]}
    missing = sum(data.answers[i].outcome == "failed" for i in train)
    assert 0 < missing < 64
    said = capsys.readouterr().err
    assert f"answered is incomplete: {missing} of 64 rows have no answer" in said


def changed(farm: Farm, change: str) -> dict[str, Any]:
    """Rows or labels of another version than those that were answered; returns flags."""
    rows = farm.rows
    match change:
        case "texts moved by one row":
            moved = [*rows[1:], rows[0]]
            rows = [
                {**r, "animal": m["animal"], "sound": m["sound"]}
                for r, m in zip(rows, moved, strict=True)
            ]
        case "one text":
            rows = [{**rows[0], "sound": "is silent"}, *rows[1:]]
        case "one gold label":
            rows = [{**rows[0], "kind": "mammal"}, *rows[1:]]
        case "another label":
            farm.task.write_text(farm.task.read_text().replace("[bird,", "[fish, bird,"))
        case "one label less":
            farm.task.write_text(farm.task.read_text().replace(", reptile]", "]"))
    farm.write(rows)
    return {"answers": farm.folder / "answered"}


@pytest.mark.parametrize(
    ("change", "difference"),
    [
        (
            "texts moved by one row",
            "row '.*' with '.* says . times', where '.* says . times' was answered .80 of 80",
        ),
        ("one text", "'duck is silent', where 'duck says 0 times' was answered .1 of 80 answers"),
        ("one gold label", "row '1' with the gold label 'mammal', which was 'bird' when .* .1 of"),
        ("another label", "answers that cannot have the label 'fish', which the task has"),
        ("one label less", "answers that may have the label 'reptile', which the task does not"),
    ],
)
def test_answers_to_another_version_of_rows_or_labels_are_refused(
    farm: Farm, capsys: pytest.CaptureFixture[str], change: str, difference: str
) -> None:
    if change == "one label less":
        farm.task.write_text(farm.task.read_text().replace(", mammal]", ", mammal, reptile]"))
    farm.give_ids()
    farm.generate()
    flags = changed(farm, change)
    with pytest.raises(InputError, match=difference):
        data_of(**flags)
    data = data_of(**flags, allow_changed_inputs=True)
    assert re.search(difference, capsys.readouterr().err)
    (counts,) = data.answer_rows
    assert counts.changed == {"texts moved by one row": 80, "one text": 1, "one gold label": 1}.get(
        change, 0
    )
    assert counts.other_labels == ("label" in change and "gold" not in change)


def test_the_same_rows_in_other_words_order_and_columns_are_the_same(farm: Farm) -> None:
    farm.give_ids()
    farm.generate()
    text = farm.task.read_text().replace("Animal: {{ input }}", "The animal {{ input }}")
    farm.task.write_text(text.replace('input: "{{ animal }}', 'input: "A {{ animal }}'))
    lines = farm.data.read_text().splitlines()
    shown = [f"{line},{at}" for at, line in enumerate(reversed(lines[1:]))]
    farm.data.write_text("\n".join([f"{lines[0]},place", *shown]) + "\n")
    (counts,) = data_of(answers=farm.folder / "answered").answer_rows
    assert (counts.changed, counts.without_row, counts.unanswered) == (0, 0, 0)


def test_gold_labels_that_come_later_are_no_change(farm: Farm) -> None:
    farm.give_ids()
    farm.generate()
    farm.write([{**row, "kind": ""} for row in farm.rows])
    farm.generate()
    farm.write(farm.rows)
    assert data_of(answers=farm.folder / "answered").answer_rows[0].changed == 0


@pytest.mark.parametrize(("kept", "refused"), [(77, False), (76, False), (75, True), (40, True)])
def test_more_than_one_in_twenty_answers_without_a_row_are_refused(
    farm: Farm, capsys: pytest.CaptureFixture[str], kept: int, refused: bool
) -> None:
    farm.generate()
    farm.write(farm.rows[:kept])
    flags = {"answers": farm.folder / "answered", "allow_changed_inputs": refused}
    if refused:
        with pytest.raises(InputError, match=f"which no row has: {80 - kept} of 80"):
            data_of(answers=farm.folder / "answered")
    assert data_of(**flags).answer_rows[0].without_row == 80 - kept
    assert f"{80 - kept} of 80" in capsys.readouterr().err


def test_rows_that_were_not_answered_are_counted(
    farm: Farm, capsys: pytest.CaptureFixture[str]
) -> None:
    farm.generate(max_rows=40)
    (counts,) = data_of(answers=farm.folder / "answered").answer_rows
    assert (counts.rows, counts.unanswered) == (64, 24)
    assert "answered is done: 24 of 64 rows have no answer" in capsys.readouterr().err


def test_each_teacher_is_compared_with_the_rows(farm: Farm) -> None:
    farm.give_ids()
    farm.generate()
    changed(farm, "one text")
    farm.answer()
    farm.generate(out=farm.folder / "second")
    both = [farm.folder / "answered", farm.folder / "second"]
    with pytest.raises(InputError, match=f"--answers {farm.folder / 'answered'}: got row '1'"):
        data_of(answers=both)
    found = data_of(answers=both, allow_changed_inputs=True).answer_rows
    assert sorted((Path(c.run).name, c.changed) for c in found) == [("answered", 1), ("second", 0)]


def test_answers_that_an_older_version_wrote_are_refused(
    answered_farm: Farm, tmp_path: Path
) -> None:
    import pyarrow.parquet as pq

    old = shutil.copytree(answered_farm.folder / "answered", tmp_path / "old")
    file = old / "data" / "train.parquet"
    pq.write_table(pq.read_table(file).drop(["input_hash"]), file)
    with pytest.raises(InputError, match="got no column input_hash"):
        data_of(answers=old, data=answered_farm.data, task=str(answered_farm.task))


def test_a_run_without_any_usable_answer_is_refused(farm: Farm) -> None:
    farm.answers.write_text(farm.answers.read_text().replace("So it is a", "Who knows a"))
    farm.generate()
    with pytest.raises(InputError, match="80 answers of a run that is done, none of them usable"):
        data_of(answers=farm.folder / "answered")
