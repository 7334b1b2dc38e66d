"""Published answers beside the rows that they are joined with."""

import json
from pathlib import Path
from typing import Any

import pytest

from dsbs import api
from dsbs.core.errors import InputError
from support.farm import Farm

ROWS = [
    {"id": "row-1", "animal": "duck", "sound": "quacks loudly", "kind": "bird"},
    {"id": "row-2", "animal": "cow", "sound": "moos", "kind": "mammal"},
]
TEXT = " It is known. So it is a bird."


def chat(row: dict[str, str], asked: str) -> dict[str, Any]:
    turn = {"role": "assistant", "content": TEXT}
    return {"id": row["id"], "messages": [{"role": "user", "content": asked}, turn]}


def text(row: dict[str, str], asked: str) -> dict[str, Any]:
    return {"id": row["id"], "text": TEXT, "input": asked}


def prompt(row: dict[str, str], asked: str) -> dict[str, Any]:
    return {"id": row["id"], "text": TEXT, "prompt": f"Name the kind.\nAnimal: {asked}\nAnswer:"}


def generated(farm: Farm, lines: list[dict[str, Any]], **flags: Any) -> dict[str, Any]:
    farm.task.write_text(farm.task.read_text().replace("gold: kind}", "gold: kind, id: id}"))
    rows = farm.folder / "rows.jsonl"
    rows.write_text("".join(json.dumps(row) + "\n" for row in ROWS))
    farm.answers.write_text("".join(json.dumps(line) + "\n" for line in lines))
    return farm.generate(data=rows, engine="published", **flags)


@pytest.mark.parametrize("form", [chat, text, prompt])
def test_a_file_that_repeats_the_inputs_is_compared_with_the_rows(
    farm: Farm, capsys: pytest.CaptureFixture[str], form: Any
) -> None:
    asked = [f"{row['animal']}  {row['sound'].upper()}" for row in ROWS]
    made = generated(farm, [form(row, said) for row, said in zip(ROWS, asked, strict=True)])
    assert made["published"] == {"answers": 2, "without_row": 0, "changed": 0, "unchecked": 0}
    assert "come without" not in capsys.readouterr().err


@pytest.mark.parametrize("asked", [["cow moos", "duck quacks loudly"], ["duck quacks", "cow moos"]])
@pytest.mark.parametrize("form", [chat, text, prompt])
def test_answers_to_other_inputs_than_those_of_their_rows_are_refused(
    farm: Farm, capsys: pytest.CaptureFixture[str], form: Any, asked: list[str]
) -> None:
    lines = [form(row, said) for row, said in zip(ROWS, asked, strict=True)]
    with pytest.raises(InputError, match=r"answers.jsonl:\d: got an answer to .*'row-[12]', which"):
        generated(farm, lines)
    made = generated(farm, lines, allow_changed_inputs=True)
    wrong = 2 if asked[0] == "cow moos" else 1
    assert made["published"]["changed"] == wrong
    assert f"{wrong} of 2 answers repeat another input" in capsys.readouterr().err


def test_a_file_without_inputs_says_so(farm: Farm, capsys: pytest.CaptureFixture[str]) -> None:
    made = generated(farm, [{"id": row["id"], "text": TEXT} for row in ROWS])
    assert made["published"]["unchecked"] == 2
    assert "2 of 2 answers come without what was asked" in capsys.readouterr().err


def test_answers_to_more_rows_are_counted(farm: Farm, capsys: pytest.CaptureFixture[str]) -> None:
    lines = [{"id": f"row-{n}", "text": TEXT} for n in (1, 2, 3, 4)]
    made = generated(farm, lines)
    assert made["published"]["without_row"] == 2
    told = capsys.readouterr().err
    assert "2 of 4 answers belong to no row of the data" in told
    assert "with an id like 'row-3'" in told


def test_answers_of_which_none_belongs_to_a_row_are_refused(farm: Farm) -> None:
    lines = [{"id": f"row-{n}", "text": TEXT} for n in (3, 4)]
    with pytest.raises(InputError, match="ids like 'row-3': 2 of 2 answers belong to no row"):
        generated(farm, lines)


def test_answers_of_a_release_are_known_by_their_order_alone(
    published: Path, tmp_path: Path
) -> None:
    made = api.generate(task="svamp", data=published, engine="published", out=tmp_path / "svamp")
    assert made["published"] == {"answers": 1000, "without_row": 0, "changed": 0, "unchecked": 1000}
