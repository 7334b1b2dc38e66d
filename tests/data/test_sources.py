"""Which files of a folder are which split, and what is not used."""

import json
from pathlib import Path

import pytest

from dsbs.core.errors import InputError
from dsbs.data.load import load_data
from dsbs.tasks.prompts import load_task
from dsbs.tasks.task import Task
from support.farm import Farm


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "data").mkdir()
    return tmp_path / "data"


def task(farm: Farm, **columns: object) -> Task:
    found = load_task(str(farm.task))
    return found.model_copy(update={"columns": found.columns.model_copy(update=columns)})


def write(path: Path, animals: str = "abc") -> None:
    lines = [json.dumps({"animal": a, "sound": path.name, "kind": "bird"}) for a in animals]
    path.write_text("\n".join(lines))


def sizes(farm: Farm, folder: Path) -> dict[str, int]:
    return {split: len(rows) for split, rows in load_data(task(farm), folder).splits.items()}


def test_shards_are_read_together(farm: Farm, folder: Path) -> None:
    for at in range(3):
        write(folder / f"train-0000{at}-of-00003-a09b74b3ef9c3b56.jsonl")
    write(folder / "test-1.jsonl")
    write(folder / "test-2.jsonl")
    assert sizes(farm, folder) == {"train": 9, "test": 6}
    (folder / "train-00001-of-00003-a09b74b3ef9c3b56.jsonl").unlink()
    with pytest.raises(InputError, match="2 of 3 shards of train"):
        sizes(farm, folder)


@pytest.mark.parametrize("other", ["train.csv", "train.jsonl.gz", "train.json", "data/train.jsonl"])
def test_two_files_of_one_split_are_an_error(farm: Farm, folder: Path, other: str) -> None:
    write(folder / "train.jsonl")
    (folder / other).parent.mkdir(exist_ok=True)
    write(folder / other)
    with pytest.raises(InputError, match="several files of train"):
        sizes(farm, folder)


@pytest.mark.parametrize("other", ["valid.jsonl", "val.jsonl", "validation.jsonl"])
def test_two_names_of_one_split_are_an_error(farm: Farm, folder: Path, other: str) -> None:
    for name in ("train.jsonl", "dev.jsonl", other):
        write(folder / name)
    with pytest.raises(InputError, match="both validation"):
        sizes(farm, folder)


def test_files_that_are_not_used_are_named(
    farm: Farm, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("Train.jsonl", "test.jsonl", "train_sft.jsonl", "train-old.jsonl", "more.xlsx"):
        write(folder / name)
    for name in ("README.md", ".hidden.jsonl", "task.yaml", "LICENSE"):
        (folder / name).write_text("")
    assert sizes(farm, folder) == {"train": 3, "test": 3}
    said = capsys.readouterr().err
    assert "not used: more.xlsx, train-old.jsonl, train_sft.jsonl\n" in said


def test_a_folder_with_one_file_is_that_file(
    farm: Farm, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write(folder / "rows.jsonl", "abcdefghij")
    (folder / "notes.txt").write_text("")
    assert sizes(farm, folder) == {"train": 8, "validation": 1, "test": 1}
    assert "notes.txt" in capsys.readouterr().err
    write(folder / "train_sft.jsonl")
    with pytest.raises(InputError, match=r"rows.jsonl, train_sft.jsonl"):
        sizes(farm, folder)


def saved(folder: Path, *names: str, labels: tuple[str, ...] = ("bird", "mammal")) -> None:
    datasets = pytest.importorskip("datasets")
    features = datasets.Features(
        {
            "animal": datasets.Value("string"),
            "sound": datasets.Value("string"),
            "kind": datasets.ClassLabel(names=list(labels)),
        }
    )
    rows = {"animal": ["a", "b", "c"], "sound": ["x", "y", "z"], "kind": [1, 0, -1]}
    one = datasets.Dataset.from_dict(rows, features=features)
    datasets.DatasetDict(dict.fromkeys(names, one)).save_to_disk(folder)
    one.to_parquet(folder.parent / "rows.parquet")


def test_a_saved_data_set_names_its_own_labels(farm: Farm, folder: Path) -> None:
    saved(folder, "train")
    for path in (folder, folder.parent / "rows.parquet"):
        splits = load_data(task(farm), path).splits.values()
        found = {e.fields["animal"]: e.gold for rows in splits for e in rows}
        assert found == {"a": "mammal", "b": "bird", "c": None}


def test_names_of_the_task_come_before_those_of_the_data_set(farm: Farm, folder: Path) -> None:
    saved(folder, "train", labels=("flies", "walks"))
    named = task(farm, gold_names=("bird", "mammal"))
    assert [e.gold for e in load_data(named, folder).splits["train"]] == ["mammal", "bird", None]
    saved(folder, "train")
    turned = task(farm, gold_names=("mammal", "bird"))
    with pytest.raises(InputError, match="the order of the data set: bird, mammal"):
        load_data(turned, folder)


def test_unknown_splits_of_a_saved_data_set_are_named(
    farm: Farm, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    saved(folder, "train_sft", "test_sft")
    with pytest.raises(InputError, match=r"the splits test_sft, train_sft.*train: train_sft"):
        sizes(farm, folder)
    hub = {"path": "x", "splits": {"train": "train_sft"}}
    named = Task.model_validate({**task(farm).model_dump(), "hub": hub})
    assert set(load_data(named, folder).splits) == {"train"}
    assert "not used: test_sft" in capsys.readouterr().err
    saved(folder, "train", "unsupervised")
    assert sizes(farm, folder) == {"train": 3}
    assert "not used: unsupervised" in capsys.readouterr().err


def test_a_damaged_index_of_a_saved_data_set_is_an_error(farm: Farm, folder: Path) -> None:
    for content in ("", "[]", '{"splits": 3}', '{"splits": []}'):
        (folder / "dataset_dict.json").write_text(content)
        with pytest.raises(InputError):
            sizes(farm, folder)


def test_a_split_without_rows_is_an_error(farm: Farm, folder: Path) -> None:
    write(folder / "train.jsonl")
    write(folder / "test.jsonl", "")
    with pytest.raises(InputError, match=r"test.jsonl: got an empty file"):
        sizes(farm, folder)
