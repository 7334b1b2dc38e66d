"""From files to examples: splits, ids, labels and groups, alike for a list and for a stream."""

import json
import random
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from dsbs.core.errors import InputError
from dsbs.core.records import Example
from dsbs.data.examples import content_hash, overlap
from dsbs.data.load import extra_examples, load_data, overlaps
from dsbs.data.unlabeled import UnlabeledRows
from dsbs.tasks.prompts import load_task
from support.farm import Farm
from support.places import ROOT


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
    # Names, yes or no, times such as 3:45, ratios such as 9:10, and lists such as "8; 40".
    assert sum(e.gold is None for e in rows) == 212
    assert next(e for e in rows if e.id == "nluds-0001").gold == "9"


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
    text = (ROOT / "prompts" / "cqa.yaml").read_text()
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


def test_rows_to_label_need_no_gold_column(farm: Farm) -> None:
    rows = iter([("stdin:1", {"animal": "duck", "sound": "quacks", "kind": "no kind at all"})])
    ((_, example),) = UnlabeledRows(load_task(str(farm.task))).read(rows)
    assert (example.input, example.gold) == ("duck quacks", None)


def test_an_id_given_twice_is_an_error(farm: Farm) -> None:
    farm.task.write_text(farm.task.read_text().replace("gold: kind", "gold: kind, id: name"))
    farm.data.write_text("name,animal,sound,kind\nx1,duck,quack,bird\nx1,cow,moo,mammal\n")
    with pytest.raises(InputError, match=r"rows.csv:3: got id 'x1' a second time"):
        load_data(load_task(str(farm.task)), farm.data)


def test_ids_splits_and_overlaps_are_those_of_counting_row_by_row(farm: Farm) -> None:
    rng = random.Random(0)
    rows = [{**rng.choice(farm.rows), "sound": f"says {rng.randrange(60)}"} for _ in range(1500)]
    farm.write(rows)
    task = load_task(str(farm.task))
    data = load_data(task, farm.data, split_seed=5)
    seen: Counter[str] = Counter()
    roles: dict[str, str] = {}
    wanted: dict[str, list[tuple[str, dict[str, str]]]] = {
        "train": [],
        "validation": [],
        "test": [],
    }
    for row in rows:
        fields = {"animal": row["animal"], "sound": row["sound"]}
        content = content_hash(Example("", "train", fields, ""))
        if content not in roles:
            block, place = divmod(len(roles), 10)
            order = np.random.default_rng([5, block]).permutation(10)
            roles[content] = (["train"] * 8 + ["validation", "test"])[order[place]]
        wanted[roles[content]].append((f"all-{content}-{seen[content]}", fields))
        seen[content] += 1
    assert {
        split: [(e.id, e.fields) for e in found] for split, found in data.splits.items()
    } == wanted
    assert max(seen.values()) > 1
    assert set(overlaps(data).values()) == {0}


def test_inputs_that_stand_in_two_splits_are_counted(farm: Farm) -> None:
    """Each as often as it stands in the later split."""
    (farm.folder / "parts").mkdir()
    for part, sounds in {"train": "aabc", "validation": "xcc", "test": "cdaax"}.items():
        rows = [{"animal": "duck", "sound": sound, "kind": "bird"} for sound in sounds]
        lines = map(json.dumps, rows)
        (farm.folder / "parts" / f"{part}.jsonl").write_text("\n".join(lines))
    found = overlaps(load_data(load_task(str(farm.task)), farm.folder / "parts"))
    assert found == {
        "train and validation": 2,
        "train and test": 3,
        "validation and test": 2,
    }


def test_an_id_that_comes_twice_is_told_with_its_place_in_another_file(farm: Farm) -> None:
    farm.task.write_text(farm.task.read_text().replace("columns: {", "columns: {id: name, "))
    for part, names in (("train", "abc"), ("test", "dbe")):
        lines = [
            json.dumps({"name": name, "animal": "duck", "sound": name, "kind": "bird"})
            for name in names
        ]
        (farm.folder / "parts").mkdir(exist_ok=True)
        (farm.folder / "parts" / f"{part}.jsonl").write_text("\n".join(lines))
    with pytest.raises(InputError, match=r"test\.jsonl:2: got id 'b' a second time"):
        load_data(load_task(str(farm.task)), farm.folder / "parts")
