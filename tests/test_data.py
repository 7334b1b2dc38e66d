import json
from collections import Counter
from pathlib import Path

import pytest
from conftest import Farm

from dsbs.core.errors import InputError
from dsbs.data.examples import content_hash, overlap
from dsbs.data.load import extra_examples, load_data, unlabelled_examples
from dsbs.data.readers import read_rows
from dsbs.tasks.prompts import load_task
from dsbs.tasks.task import HubSource


@pytest.mark.parametrize(
    ("name", "sizes"),
    [
        ("cqa", {"train": 8766, "validation": 975, "test": 1221}),
        ("svamp", {"train": 720, "validation": 80, "test": 200}),
    ],
)
def test_splits_have_the_sizes_of_the_paper_and_nothing_in_common(
    published: Path, name: str, sizes: dict[str, int]
) -> None:
    data = load_data(load_task(name), published).with_validation()
    assert {split: len(rows) for split, rows in data.splits.items()} == sizes
    ids = [example.id for rows in data.splits.values() for example in rows]
    assert len(set(ids)) == len(ids)
    assert all(example.split == split for split, rows in data.splits.items() for example in rows)
    assert data.with_validation() is data
    again = load_data(load_task(name), published).with_validation()
    assert [e.id for e in again.splits["validation"]] == [e.id for e in data.splits["validation"]]


@pytest.mark.parametrize("name", ["cqa", "svamp"])
def test_published_gold_labels_are_normal_already(published: Path, name: str) -> None:
    column = {"cqa": "answer", "svamp": "label"}[name]
    stated = [json.loads(line)[column] for line in (published / name / f"{name}_train.json").open()]
    assert [
        example.gold for example in load_data(load_task(name), published).splits["train"]
    ] == stated


def test_svamp_reads_the_original_file_too(published: Path) -> None:
    data = load_data(load_task("svamp"), published / "svamp" / "SVAMP.json")
    assert Counter({split: len(rows) for split, rows in data.splits.items()}).total() == 1000
    assert data.splits["train"][0].id == "chal-1"


def test_asdiv_joins_svamp_as_unlabelled_inputs(asdiv: Path) -> None:
    found = extra_examples(load_task("svamp"), [f"asdiv={asdiv}"])
    assert len(found) == 2305
    assert {(e.split, e.gold) for e in found} == {("extra", None)}
    assert (
        found[0].input
        == "Seven red apples and two green apples are in the basket.\nHow many apples are in the basket?"
    )
    assert len({e.id for e in found}) == 2305
    with pytest.raises(InputError, match="fields"):
        extra_examples(load_task("cqa"), [f"asdiv={asdiv}"])
    with pytest.raises(InputError, match="NAME=PATH"):
        extra_examples(load_task("svamp"), ["asdiv"])


def test_asdiv_gold_labels_are_its_numbers(asdiv: Path) -> None:
    rows = [e for split in load_data(load_task("asdiv"), asdiv).splits.values() for e in split]
    assert sum(e.gold is None for e in rows) == 59
    assert next(e for e in rows if e.id == "nluds-0001").gold == "9"


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


def test_ids_follow_the_content_and_not_the_row(farm: Farm) -> None:
    task = load_task(str(farm.task))
    before = {e.id: e.fields for rows in load_data(task, farm.data).splits.values() for e in rows}
    farm.write([{"animal": "new", "sound": "hums", "kind": "bird"}, *reversed(farm.rows)])
    after = {e.id: e.fields for rows in load_data(task, farm.data).splits.values() for e in rows}
    assert before.items() <= after.items()
    farm.write([farm.rows[0]] * 3)
    ids = [e.id for rows in load_data(task, farm.data).splits.values() for e in rows]
    assert [i.rsplit("-", 1)[1] for i in ids] == ["0", "1", "2"]
    assert len({i.rsplit("-", 1)[0] for i in ids}) == 1


def test_alike_rows_never_come_into_different_splits(farm: Farm) -> None:
    farm.write([row for row in farm.rows for _ in range(3)])
    splits = load_data(load_task(str(farm.task)), farm.data).splits
    hashes = {split: {content_hash(e) for e in rows} for split, rows in splits.items()}
    assert not hashes["train"] & hashes["test"]
    assert overlap(splits["train"], splits["test"]) == []


def test_a_group_column_keeps_groups_together(farm: Farm) -> None:
    farm.task.write_text(farm.task.read_text().replace("gold: kind", "gold: kind, group: animal"))
    splits = load_data(load_task(str(farm.task)), farm.data).splits
    animals = {split: {e.fields["animal"] for e in rows} for split, rows in splits.items()}
    assert not animals["train"] & animals["test"]
    assert not animals["train"] & animals["validation"]


def test_labels_may_be_missing_altogether_or_here_and_there(farm: Farm) -> None:
    task = load_task(str(farm.task))
    farm.data.write_text(
        "animal,sound\n" + "".join(f"{r['animal']},{r['sound']}\n" for r in farm.rows)
    )
    assert {e.gold for rows in load_data(task, farm.data).splits.values() for e in rows} == {None}
    farm.write([{**row, "kind": "" if n % 2 else row["kind"]} for n, row in enumerate(farm.rows)])
    assert {e.gold for rows in load_data(task, farm.data).splits.values() for e in rows} == {
        None,
        "bird",
        "mammal",
    }


def test_options_may_stand_in_columns_of_their_own(tmp_path: Path) -> None:
    task = tmp_path / "quiz.yaml"
    text = (Path(__file__).parent.parent / "prompts" / "cqa.yaml").read_text()
    task.write_text(
        text.replace("choices: choices\n", "choices: [one, two]\n").replace(
            "name: cqa", "name: quiz"
        )
    )
    (tmp_path / "rows.csv").write_text(
        "question,one,two,answer\nWhat is wet?,water,sand,water\nWhat is dry?,water,sand,B\n"
    )
    rows = [
        e
        for split in load_data(load_task(str(task)), tmp_path / "rows.csv").splits.values()
        for e in split
    ]
    assert [(e.choices, e.gold) for e in rows] == [
        (("water", "sand"), "water"),
        (("water", "sand"), "sand"),
    ]


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

    # The same through load_dataset, as from the hub: a folder of Parquet files, split names of its own.
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


def test_rows_to_label_need_no_gold_column(farm: Farm) -> None:
    rows = iter([("stdin:1", {"animal": "duck", "sound": "quacks", "kind": "no kind at all"})])
    (example,) = unlabelled_examples(load_task(str(farm.task)), rows)
    assert (example.input, example.gold) == ("duck quacks", None)


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


def test_an_id_given_twice_is_an_error(farm: Farm) -> None:
    farm.task.write_text(farm.task.read_text().replace("gold: kind", "gold: kind, id: name"))
    farm.data.write_text("name,animal,sound,kind\nx1,duck,quack,bird\nx1,cow,moo,mammal\n")
    with pytest.raises(InputError, match=r"rows.csv:3: got id 'x1' a second time"):
        load_data(load_task(str(farm.task)), farm.data)


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
