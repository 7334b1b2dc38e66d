"""What a run of generate counts about its labels."""

from support.farm import Farm


def test_the_gold_and_the_teachers_labels_are_set_side_by_side(farm: Farm) -> None:
    split = farm.generate()["splits"]["train"]
    assert split["label_counts"]["teacher"] == split["label_counts"]["gold"]
    assert split["label_distance"] == 0
    assert sum(split["label_counts"]["gold"].values()) == split["rows"]
    assert split["calibration"] is None
