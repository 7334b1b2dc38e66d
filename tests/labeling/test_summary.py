"""What a run of generate counts about its labels."""

import json

import pytest

from dsbs.core.records import Answer, Completion, Example
from dsbs.labeling.rationale_checks import Agreement, describe
from dsbs.labeling.summary import SplitCounter
from dsbs.labeling.votes import vote
from dsbs.tasks.prompts import load_task
from support.farm import Farm


def test_the_gold_and_the_teachers_labels_are_set_side_by_side(farm: Farm) -> None:
    split = farm.generate()["splits"]["train"]
    assert split["label_counts"]["teacher"] == split["label_counts"]["gold"]
    assert split["label_distance"] == 0
    assert sum(split["label_counts"]["gold"].values()) == split["rows"]
    assert split["calibration"] is None


def test_a_teacher_with_one_label_is_told_by_the_run_and_on_stderr(
    farm: Farm, capsys: pytest.CaptureFixture[str]
) -> None:
    farm.answers.write_text(farm.answers.read_text().replace("a bird", "a mammal"))
    splits = farm.generate()["splits"]
    signs = {split: [n["sign"] for n in found["notices"]] for split, found in splits.items()}
    assert signs["train"] == ["one_label", "at_chance"]
    assert "one_label" not in signs["test"]  # of 8 rows nothing is sure
    told = capsys.readouterr().err
    assert (
        "notice: the teacher, train: 100.0 % of 64 labels are 'mammal', "
        "but 48.4 % of the gold labels\n"
    ) in told


def test_empty_answers_are_told(farm: Farm) -> None:
    lines = [json.loads(line) for line in farm.answers.read_text().splitlines()]
    texts = [{**line, "text": "" if at % 4 else line["text"]} for at, line in enumerate(lines)]
    farm.answers.write_text("\n".join(map(json.dumps, texts)) + "\n")
    (notice,) = farm.generate()["splits"]["train"]["notices"]
    assert notice["sign"] == "empty"
    assert "answers are empty" in notice["text"]


def test_a_healthy_small_run_has_no_notice(farm: Farm, capsys: pytest.CaptureFixture[str]) -> None:
    splits = farm.generate()["splits"]
    assert [split["notices"] for split in splits.values()] == [[], [], []]
    assert "notice" not in capsys.readouterr().err


def test_votes_of_samples_that_tie_are_counted_and_told() -> None:
    task = load_task("svamp")
    counter = SplitCounter(task, "train")
    for at, labels in enumerate((("12", "13"), ("12", "13", "( 7 + 5 )"), ("12", "12.0"))):
        samples = [Answer(str(at), "ok", "So.", label, "exact") for label in labels]
        example = Example(str(at), "train", {}, "How many?", gold="12.00")
        counter.add(example, Completion(str(at), "So."), vote(samples, kind="equation"))
    summary = counter.summary()
    assert (summary.vote_ties, summary.teacher_correct) == (1, 3)
    (line,) = [line for line in describe({"train": summary}) if "votes" in line]
    assert line == (
        "train: in 1 of 3 rows the votes of the samples tie, and the first sample decides"
    )


def test_mixes_of_labels_are_those_of_the_same_rows() -> None:
    """Gold stands on rows of birds alone; the teacher agrees, and calls the others mammals."""
    agreement = Agreement("class")
    for number in range(20):
        kind = "bird" if number < 10 else "mammal"
        gold = "bird" if number < 10 else None
        example = Example(str(number), "train", {}, "x", gold=gold)
        agreement.add(example, Answer(str(number), "ok", "r", kind, "exact"), ("bird", "mammal"))
    found = agreement.results()
    assert found.label_distance == 0
    assert found.label_counts == {"teacher": {"bird": 10}, "gold": {"bird": 10}}


def test_without_gold_all_rows_show_what_the_teacher_gives() -> None:
    agreement = Agreement("class")
    answer = Answer("1", "ok", "r", "bird", "exact")
    agreement.add(Example("1", "train", {}, "x"), answer, ("bird", "mammal"))
    assert agreement.results().label_counts == {"teacher": {"bird": 1}, "gold": {}}
    assert agreement.results().label_distance is None
