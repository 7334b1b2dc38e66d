"""From rows to examples: what is missing, whose ids they are, which columns are not there."""

import json
from pathlib import Path
from typing import Any

import pytest

from dsbs.core.errors import InputError
from dsbs.data.load import load_data
from dsbs.data.unlabeled import UnlabeledRows
from dsbs.tasks.prompts import load_task
from dsbs.tasks.task import Task
from support.farm import Farm

GOOD = {"id": 1, "animal": "duck", "sound": "quack", "kind": "bird", "pond": "north"}


@pytest.fixture
def rows(farm: Farm) -> Path:
    return farm.folder / "rows.jsonl"


def task(farm: Farm, **columns: Any) -> Task:
    found = load_task(str(farm.task))
    return found.model_copy(update={"columns": found.columns.model_copy(update=columns)})


def write(path: Path, *rows: dict[str, Any]) -> None:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))


def read(task: Task, path: Path, **how: Any) -> list[Any]:
    return [e for rows in load_data(task, path, **how).splits.values() for e in rows]


@pytest.mark.parametrize("sound", [None, float("nan"), "", "  "])
def test_a_missing_field_is_an_error_or_skipped_and_counted(
    farm: Farm, rows: Path, sound: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    write(rows, GOOD, {**GOOD, "sound": sound}, {"animal": "owl", "kind": "bird"})
    with pytest.raises(InputError, match=r"rows.jsonl:2: column 'sound'.*--skip-incomplete"):
        load_data(task(farm), rows)
    data = load_data(task(farm), rows, skip_incomplete=True)
    assert (data.skipped, sum(map(len, data.splits.values()))) == (2, 1)
    assert "2 of 3, the first" in capsys.readouterr().err
    write(rows, {**GOOD, "sound": sound})
    with pytest.raises(InputError, match="1 rows that all lack a field"):
        load_data(task(farm), rows, skip_incomplete=True)


def test_skipping_leaves_the_ids_of_other_rows(farm: Farm, rows: Path) -> None:
    broken = {**GOOD, "sound": None}
    others = [{**GOOD, "animal": f"duck {n % 7}"} for n in range(20)]
    write(rows, *others)
    whole = [e.id for e in read(task(farm), rows)]
    write(rows, *[row for other in others for row in (broken, other)])
    assert [e.id for e in read(task(farm), rows, skip_incomplete=True)] == whole
    write(rows, broken, GOOD, broken, GOOD)
    with pytest.raises(InputError, match=r"rows.jsonl:4: got id '1' a second time"):
        load_data(task(farm, id="id"), rows, skip_incomplete=True)


def test_fields_are_text_or_numbers(farm: Farm, rows: Path) -> None:
    write(rows, {**GOOD, "sound": 3, "animal": True})
    (example,) = read(task(farm), rows)
    assert (example.fields, example.input) == ({"animal": "true", "sound": 3}, "true 3")
    write(rows, {**GOOD, "sound": ["a"]})
    with pytest.raises(InputError, match=r"rows.jsonl:1: column 'sound': got a list"):
        load_data(task(farm), rows, skip_incomplete=True)


@pytest.mark.parametrize("missing", [None, float("nan"), "", {}])
def test_a_row_without_a_group_is_a_group_of_its_own(farm: Farm, rows: Path, missing: Any) -> None:
    given = {} if missing == {} else {"pond": missing}
    alone = [{"animal": f"duck {n}", "sound": "x", **given} for n in range(60)]
    together = [{"animal": f"owl {n}", "sound": "x", "pond": n // 10} for n in range(40)]
    write(rows, *alone, *together)
    splits = load_data(task(farm, group="pond", gold=None), rows).splits
    ducks = [sum("duck" in e.input for e in splits[name]) for name in splits]
    assert sum(ducks) == 60
    assert min(ducks) >= 5


@pytest.mark.parametrize("missing", [None, float("nan"), ""])
def test_a_missing_id_is_an_error(farm: Farm, rows: Path, missing: Any) -> None:
    write(rows, GOOD, {**GOOD, "id": missing})
    with pytest.raises(InputError, match=r"rows.jsonl:2: column 'id': got no id"):
        load_data(task(farm, id="id"), rows, skip_incomplete=True)
    write(rows, GOOD, {key: value for key, value in GOOD.items() if key != "id"})
    with pytest.raises(InputError, match=r"rows.jsonl:2: column 'id': got no id"):
        load_data(task(farm, id="id"), rows)
    write(rows, {"animal": "duck", "sound": "x"}, GOOD)
    with pytest.raises(InputError, match=r"rows.jsonl:2: column 'id': got an id, where"):
        load_data(task(farm, id="id"), rows)


@pytest.mark.parametrize(
    ("columns", "said"),
    [
        ({"gold": "Kind"}, "no column 'Kind', named as `gold`.*did you mean 'kind'"),
        ({"gold": "{{ kinds[0] }}"}, "no column 'kinds'.*did you mean 'kind'"),
        ({"id": "ID"}, "no column 'ID', named as `id`.*did you mean 'id'"),
        ({"group": "ponds"}, "no column 'ponds', named as `group`.*did you mean 'pond'"),
        ({"group": "owner"}, "no column 'owner', named as `group`"),
        ({"fields": {"animal": "animal", "sound": "sounds"}}, "column 'sounds'.*mean 'sound'"),
        ({"fields": {"animal": "animal", "sound": "{{ Sound }}"}}, "'Sound'.*mean 'sound'"),
        ({"gold": "{{ kind"}, "template"),
    ],
)
def test_columns_that_do_not_exist_are_errors_with_the_nearest_name(
    farm: Farm, rows: Path, columns: dict[str, Any], said: str
) -> None:
    write(rows, GOOD)
    with pytest.raises(InputError, match=said):
        load_data(task(farm, **columns), rows)


def test_columns_that_may_be_absent_are_said(
    farm: Farm, rows: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write(rows, GOOD)
    (example,) = read(task(farm, gold="category", id="key"), rows)
    assert example.gold is None
    said = capsys.readouterr().err
    assert "no row has the column 'category' of `gold`; its rows have no gold labels" in said
    assert "no row has the column 'key' of `id`; ids are made of the content" in said


def test_templates_serve_gold_id_and_group(farm: Farm, rows: Path) -> None:
    nested = [
        {"data": GOOD, "meta": {"key": n, "pond": None}, "annotations": [["bird"]] * (n % 2)}
        for n in range(3)
    ]
    write(rows, *nested)
    fields = {"animal": "{{ data.animal }}", "sound": "{{ data.sound }}"}
    gold = "{{ annotations[0] }}"
    of = task(farm, fields=fields, gold=gold, id="{{ meta.key }}", group="{{ meta.pond }}")
    found = sorted((e.id, e.input, e.gold, e.group) for e in read(of, rows))
    assert found == [(str(n), "duck quack", "bird" if n % 2 else None, None) for n in range(3)]


def test_rows_to_label_need_the_input_alone(farm: Farm) -> None:
    row = {"animal": "duck", "sound": "quacks", "kind": "no kind at all"}
    strict = task(farm, group="pond", id="key")
    ((given, example),) = UnlabeledRows(strict).read(iter([("stdin:1", row)]))
    assert (given, example.gold, example.group) == (example.id, None, None)
    for own in (7, "seven", 1.5):
        ((given, _),) = UnlabeledRows(strict).read(iter([("stdin:1", {**row, "id": own})]))
        assert (given, type(given)) == (own, type(own))
        named = {**row, "id": "other", "key": own}
        ((given, _),) = UnlabeledRows(strict).read(iter([("stdin:1", named)]))
        assert given == own
    twice = [("stdin:1", {**row, "id": 7}), ("stdin:2", {**row, "id": "7"})]
    with pytest.raises(InputError, match="stdin:2: got id '7' a second time"):
        list(UnlabeledRows(strict).read(iter(twice)))
    with pytest.raises(InputError, match="stdin:1: column 'animal'"):
        list(UnlabeledRows(strict).read(iter([("stdin:1", {**row, "animal": None})])))
