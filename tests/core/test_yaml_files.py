"""YAML of people: what is written is read, and what is odd is one line with its place."""

import re
from pathlib import Path

import pytest

from dsbs.core.errors import InputError
from dsbs.core.yaml_files import load_yaml, read_yaml
from dsbs.data.load import load_data
from dsbs.tasks.prompts import demonstrations, load_task
from support.farm import Farm

WRITTEN = "a: [yes, No, 0, 1.50, 010, 9:10, 2024-01-02, 1e3, ~, null, 'x']\n"
LAUGHS = "a: &a [x, x]\n" + "".join(
    f"{chr(99 + n)}: &{chr(99 + n)} [{', '.join(['*' + ('a' if n == 0 else chr(98 + n))] * 9)}]\n"
    for n in range(12)
)


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


@pytest.mark.parametrize(
    ("text", "line", "what"),
    [
        ("a: 1\nb: 2024-13-45\n", 2, "timestamp that cannot be read"),
        ("a: 2024-02-30T99:00:00Z\n", 1, "timestamp"),
        ("b: !!int twelve\n", 1, "int that cannot be read"),
        ("b: !!float x\n", 1, "float"),
        ("b: !!bool maybe\n", 1, "bool"),
        ("b: !!timestamp soon\n", 1, "timestamp"),
        ("b: !!binary é\n", 1, "base64"),
        ("a: 1\nb: !!python/object/apply:os.system [ls]\n", 2, "could not determine"),
        ("b: !mine x\n", 1, "could not determine"),
        ("? [a]\n: b\n", 1, "unhashable"),
        ("a: &a [*a]\n", 1, "the alias *a before the end"),
        ("a: *b\n", 1, "the alias *b before"),
        (LAUGHS, 6, "more than 200,000 values"),
        ("a: " + "[" * 60 + "]" * 60 + "\n", 1, "values more than 50 deep"),
        ("a: " + "[" * 50_000, 1, "values more than 50 deep"),
        (
            "a:\n" + "".join(f"{' ' * n}b:\n" for n in range(1, 80)),
            None,
            "values more than 50 deep",
        ),
        ("[" + "x, " * 300_000 + "]", 1, "more than 200,000 values"),
        ("a: [1\n", None, "expected ',' or ']'"),
        ("a: \x01\n", None, "special characters"),
        ("a: " + "9" * 5000 + "\n", 1, "int that cannot be read"),
        ("- a\n", None, "list"),
        ("", None, "NoneType"),
    ],
)
def test_odd_yaml_is_one_line(tmp_path: Path, text: str, line: int | None, what: str) -> None:
    path = tmp_path / "odd.yaml"
    path.write_text(text)
    with pytest.raises(InputError, match=re.escape(what)) as found:
        read_yaml(path)
    assert len(str(found.value)) < 1000
    if line is not None:
        assert str(found.value).startswith(f"{path}:{line}: ")


def test_aliases_that_stay_small_are_read(tmp_path: Path) -> None:
    path = tmp_path / "good.yaml"
    path.write_text("a: &a {x: 1}\nb: [*a, *a]\nc: {<<: *a, y: 2}\n")
    assert read_yaml(path) == {"a": {"x": 1}, "b": [{"x": 1}, {"x": 1}], "c": {"x": 1, "y": 2}}


def test_a_file_without_an_end_is_refused() -> None:
    with pytest.raises(InputError, match="a file of more than 10,000,000 bytes"):
        load_yaml(Path("/dev/zero"))


def test_a_file_that_is_no_text_or_not_there_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "binary.yaml").write_bytes(b"\xff\xfe\x00")
    for path in (tmp_path / "binary.yaml", tmp_path / "none.yaml", tmp_path):
        with pytest.raises(InputError, match="a readable UTF-8 file"):
            load_yaml(path)
