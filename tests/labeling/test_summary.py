"""What a run of generate counts about its labels."""

from dsbs.core.records import Answer, Example
from dsbs.labeling.rationale_checks import Agreement
from support.farm import Farm


def test_the_gold_and_the_teachers_labels_are_set_side_by_side(farm: Farm) -> None:
    split = farm.generate()["splits"]["train"]
    assert split["label_counts"]["teacher"] == split["label_counts"]["gold"]
    assert split["label_distance"] == 0
    assert sum(split["label_counts"]["gold"].values()) == split["rows"]
    assert split["calibration"] is None


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
