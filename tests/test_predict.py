"""New inputs in, labels out: the input's columns are enough, and an id that is given is printed."""

import json
from pathlib import Path
from typing import Any

import pytest

from dsbs import api
from dsbs.core.errors import InputError
from support.command import Cli
from support.farm import Farm

GOOD = {"animal": "duck", "sound": "quacks"}


@pytest.fixture(scope="module")
def grouped_farm(tmp_path_factory: pytest.TempPathFactory) -> Farm:
    """A farm whose rows are grouped and have ids, with a student that has hardly learned."""
    made = Farm(tmp_path_factory.mktemp("grouped"))
    text = made.task.read_text()
    made.task.write_text(text.replace("gold: kind", "gold: kind, group: animal, id: name"))
    lines = ["name,animal,sound,kind"]
    lines += [f"n{at},{r['animal']},{r['sound']},{r['kind']}" for at, r in enumerate(made.rows)]
    made.data.write_text("\n".join(lines) + "\n")
    made.answer()
    made.generate()
    api.train(
        answers=made.folder / "answered",
        out=made.folder / "student",
        max_steps=2,
        eval_every=2,
        batch_size=4,
    )
    return made


def predict(farm: Farm, path: Path) -> list[dict[str, Any]]:
    return list(api.predict(run=farm.folder / "student", input=str(path)))


def write(path: Path, *rows: dict[str, Any]) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def test_the_columns_of_the_input_are_enough(grouped_farm: Farm, tmp_path: Path) -> None:
    path = write(tmp_path / "rows.jsonl", GOOD, {**GOOD, "kind": "no kind at all"}, GOOD)
    found = predict(grouped_farm, path)
    assert len({line["id"] for line in found}) == 3


def test_an_id_that_is_given_is_printed_as_it_is(grouped_farm: Farm, tmp_path: Path) -> None:
    for column in ("name", "id"):
        path = write(tmp_path / "rows.jsonl", {**GOOD, column: 7}, {**GOOD, column: "x"})
        assert [line["id"] for line in predict(grouped_farm, path)] == [7, "x"]


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ([GOOD, {**GOOD, "animal": None}], r":2: column 'animal': got nothing"),
        ([{"animal": "duck"}], r":1: got columns animal; expected column 'sound'"),
        ([{**GOOD, "name": "a"}, {**GOOD, "name": "a"}], r":2: got id 'a' a second time"),
        ([{**GOOD, "name": None}], r":1: column 'name': got no id"),
        ([], "an empty file"),
    ],
)
def test_rows_that_cannot_be_read_are_errors(
    grouped_farm: Farm, tmp_path: Path, rows: list[dict[str, Any]], said: str
) -> None:
    with pytest.raises(InputError, match=said):
        predict(grouped_farm, write(tmp_path / "rows.jsonl", *rows))


def test_stdin_may_come_from_windows(grouped_farm: Farm, cli: Cli) -> None:
    lines = "\ufeff" + json.dumps({**GOOD, "id": 7}) + "\r\n\r\n"
    told = cli("predict", "--run", grouped_farm.folder / "student", stdin=lines)
    assert json.loads(told.stdout)["id"] == 7
    assert cli("predict", "--run", grouped_farm.folder / "student", stdin="").stdout == ""


def test_labels_that_cannot_be_read_are_told_after_the_last_of_them(
    grouped_farm: Farm, tmp_path: Path, cli: Cli
) -> None:
    path = write(tmp_path / "rows.jsonl", *[{**GOOD, "id": at} for at in range(40)])
    told = cli("predict", "--run", grouped_farm.folder / "student", "--input", path)
    assert told.returncode == 0
    assert len(told.stdout.splitlines()) == 40
    assert "notice: the student: 40 of 40 outputs have no readable label" in told.stderr
