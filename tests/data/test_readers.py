"""Every file format gives the same examples, and what is broken is reported with its place."""

import json
from pathlib import Path

import pytest

from dsbs.core.errors import InputError
from dsbs.data.load import load_data
from dsbs.data.readers import read_rows
from dsbs.tasks.prompts import load_task
from dsbs.tasks.task import HubSource
from support.farm import Farm


def test_csv_json_lines_json_and_parquet_give_the_same_examples(farm: Farm) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    task = load_task(str(farm.task))
    (farm.folder / "rows.jsonl").write_text("".join(json.dumps(row) + "\n" for row in farm.rows))
    (farm.folder / "rows.json").write_text(json.dumps(farm.rows, indent=1))
    (farm.folder / "rows.tsv").write_bytes(
        b"\xef\xbb\xbf" + farm.data.read_bytes().replace(b",", b"\t")
    )
    pq.write_table(pa.Table.from_pylist(farm.rows), farm.folder / "rows.parquet")
    wanted = {split: list(rows) for split, rows in load_data(task, farm.data).splits.items()}
    for name in ("rows.jsonl", "rows.json", "rows.tsv", "rows.parquet"):
        assert {
            split: list(rows) for split, rows in load_data(task, farm.folder / name).splits.items()
        } == wanted
    assert [len(rows) for rows in wanted.values()] == [64, 8, 8]


def test_data_sets_saved_by_datasets_are_read_with_their_class_labels(tmp_path: Path) -> None:
    datasets = pytest.importorskip("datasets")
    names = ["entailment", "neutral", "contradiction"]
    features = datasets.Features(
        {
            "uid": datasets.Value("string"),
            "premise": datasets.Value("string"),
            "hypothesis": datasets.Value("string"),
        }
        | {"label": datasets.ClassLabel(names=names)}
    )

    def rows(part: str) -> dict[str, list]:
        n = range(20)
        return {
            "uid": [f"{part}{i}" for i in n],
            "premise": [f"p {part} {i}" for i in n],
            "hypothesis": ["h" for _ in n],
            "label": [i % 3 for i in n],
        }

    made = datasets.DatasetDict(
        {p: datasets.Dataset.from_dict(rows(p), features=features) for p in ("train", "test")}
    )
    made.save_to_disk(tmp_path / "saved")
    data = load_data(load_task("anli1"), tmp_path / "saved")
    assert {split: len(r) for split, r in data.splits.items()} == {"train": 20, "test": 20}
    assert [e.gold for e in data.splits["train"][:3]] == names
    assert data.splits["train"][0].input == "p train 0</s>h"

    # The same through load_dataset, as from the hub: a folder of Parquet files, split names of its
    # own.
    hub = tmp_path / "hub"
    hub.mkdir()
    for part, name in (("train", "train_r1"), ("test", "test_r1")):
        made[part].to_parquet(str(hub / f"{name}-00000-of-00001.parquet"))
    card = "".join(f"  - split: {n}\n    path: {n}-*.parquet\n" for n in ("train_r1", "test_r1"))
    (hub / "README.md").write_text(
        f"---\nconfigs:\n- config_name: default\n  data_files:\n{card}---\n"
    )
    source = HubSource(path=str(hub), splits={"train": "train_r1", "test": "test_r1"})
    task = load_task("anli1").model_copy(update={"hub": source})
    assert [e.fields for e in load_data(task, None).splits["test"]] == [
        e.fields for e in data.splits["test"]
    ]
    with pytest.raises(InputError, match="split"):
        load_data(
            task.model_copy(
                update={"hub": source.model_copy(update={"splits": {"train": "nope"}})}
            ),
            None,
        )


def test_hub_columns_of_the_task_file_are_used(tmp_path: Path) -> None:
    datasets = pytest.importorskip("datasets")
    row = {
        "ID": ["chal-9"],
        "Body": ["Ann has 3 pens."],
        "Question": ["How many pens?"],
        "Equation": ["( 3.0 + 0.0 )"],
    }
    datasets.DatasetDict({"train": datasets.Dataset.from_dict(row)}).save_to_disk(
        tmp_path / "svamp"
    )
    (example,) = load_data(load_task("svamp"), tmp_path / "svamp").splits["train"]
    assert (example.id, example.input, example.gold) == (
        "chal-9",
        "Ann has 3 pens.\nHow many pens?",
        "( 3.0 + 0.0 )",
    )


BROKEN = {
    "no such path": (None, "no such path"),
    "an empty file": (b"", "empty"),
    "only a header": (b"animal,sound,kind\n", "empty"),
    "a missing column": (b"animal,noise\nduck,quack\n", "column 'sound'"),
    "a label outside the set": (
        b"animal,sound,kind\nduck,quack,fish\n",
        "rows.csv:2: got label 'fish'",
    ),
    "a short line": (b"animal,sound,kind\nduck,quack\n", "rows.csv:2"),
    "an open quote": (b'animal,sound,kind\n"duck,quack,bird\n', "rows.csv"),
    "other text than UTF-8": (
        b"animal,sound,kind\nduck,qu\xe4ck,bird\n",
        "rows.csv:2: got byte 0xe4 at position 8",
    ),
}


@pytest.mark.parametrize("name", BROKEN)
def test_broken_files_are_told_in_one_line_with_the_place(farm: Farm, name: str) -> None:
    content, told = BROKEN[name]
    farm.data.unlink()
    if content is not None:
        farm.data.write_bytes(content)
    with pytest.raises(InputError) as caught:
        load_data(load_task(str(farm.task)), farm.data)
    assert told in str(caught.value)
    assert "\n" not in str(caught.value)


def test_broken_json_is_told_with_its_line(farm: Farm) -> None:
    path = farm.folder / "rows.jsonl"
    path.write_text('{"animal": "duck", "sound": "quack"}\n\n{"animal": "du\n')
    with pytest.raises(InputError, match=r"rows.jsonl:3: got broken JSON"):
        list(read_rows(path))
    path.write_text('{"animal": "duck"}\n[1]\n')
    with pytest.raises(InputError, match=r"rows.jsonl:2: got a list"):
        list(read_rows(path))


def test_a_folder_without_known_files_says_what_it_saw(farm: Farm, tmp_path: Path) -> None:
    folder = tmp_path / "other"
    folder.mkdir()
    (folder / "notes.txt").write_text("x")
    with pytest.raises(InputError, match=r"notes.txt"):
        load_data(load_task(str(farm.task)), folder)
    (folder / "train.csv").write_bytes(farm.data.read_bytes())
    (folder / "dev.csv").write_bytes(farm.data.read_bytes())
    assert [len(rows) for rows in load_data(load_task(str(farm.task)), folder).splits.values()] == [
        80,
        80,
    ]
    (folder / "valid.csv").write_bytes(farm.data.read_bytes())
    with pytest.raises(InputError, match="one each"):
        load_data(load_task(str(farm.task)), folder)
