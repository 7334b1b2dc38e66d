"""The answers of a run are a data set that other libraries read."""

from pathlib import Path

import pytest


def test_the_data_set_is_read_by_datasets(cqa_palm: Path) -> None:
    datasets = pytest.importorskip("datasets")
    loaded = datasets.load_dataset(str(cqa_palm))
    assert {split: len(rows) for split, rows in loaded.items()} == {"train": 9741, "test": 1221}
    row = loaded["train"][0]
    assert (row["outcome"], row["label"], row["correct"]) == ("ok", "math problem", True)
    assert row["rationale"].startswith("The answer must be something")
    assert "So the answer is (d) math problem.\n\nQ:" in row["completion"]
