"""Task files are text: what YAML takes for a boolean or a number is what was written."""

from pathlib import Path

from dsbs.core.files import read_yaml
from dsbs.data.load import load_data
from dsbs.tasks.prompts import demonstrations, load_task
from support.farm import Farm

WRITTEN = "a: [yes, No, 0, 1.50, 010, 9:10, 2024-01-02, 1e3, ~, null, 'x']\n"


def test_numbers_and_booleans_stay_the_text_that_is_written(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(WRITTEN)
    assert read_yaml(tmp_path / "a.yaml", texts=True) == {
        "a": ["yes", "No", "0", "1.50", "010", "9:10", "2024-01-02", "1e3", None, None, "x"]
    }
    assert read_yaml(tmp_path / "a.yaml")["a"][:4] == [True, False, 0, 1.5]


def test_labels_of_a_task_may_be_yes_and_no_or_numbers(farm: Farm) -> None:
    text = farm.task.read_text()
    for bird, mammal in (("yes", "no"), ("0", "1"), ("on", "off"), ("1.0", "2.50")):
        farm.task.write_text(
            text.replace("[bird, mammal]", f"[{bird}, {mammal}]")
            .replace("label: bird", f"label: {bird}")
            .replace("label: mammal", f"label: {mammal}")
        )
        task = load_task(str(farm.task))
        assert task.label.labels == (bird, mammal)
        assert [label for _, _, label in demonstrations(task)] == [bird, mammal]
        farm.data.write_text(f"animal,sound,kind\nduck,quacks,{bird}\ncow,moos,{mammal}\n")
        splits = load_data(task, farm.data).splits.values()
        assert {e.gold for rows in splits for e in rows} == {bird, mammal}
