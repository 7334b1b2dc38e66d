"""JSON lines and JSON lists, and what only looks like them."""

import json
from pathlib import Path

import pytest

from dsbs.core.errors import InputError
from dsbs.data.readers import read_rows


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('{"a": {"0": "x", "1": "y"}, "b": {"0": 1, "1": null}}', "columns, as pandas"),
        ('{"columns": ["a"], "index": [0], "data": [["x"]]}', "columns, as pandas"),
        ('{"a": 1, "a": 2}', "the key 'a' comes twice"),
        ('{"a": ' + "9" * 5000 + "}", "cannot be read"),
        ('{"a": ' + "[" * 100_000 + "]" * 100_000 + "}", "cannot be read"),
        ("[1, 2]", r"\[0\]: got a int"),
        ('[{"a": 1}', "broken JSON"),
        ("[]", "an empty file"),
        ("", "an empty file"),
        ("\n \n", "an empty file"),
    ],
)
def test_what_is_no_list_of_objects_is_refused(tmp_path: Path, text: str, said: str) -> None:
    (tmp_path / "rows.json").write_text(text)
    with pytest.raises(InputError, match=said):
        list(read_rows(tmp_path / "rows.json"))


def test_one_row_with_objects_in_it_is_no_file_of_columns(tmp_path: Path) -> None:
    row = {"data": {"text": "Late"}, "meta": {"id": 1}}
    (tmp_path / "rows.json").write_text(json.dumps(row))
    assert [row for _, row in read_rows(tmp_path / "rows.json")] == [row]


def test_empty_lines_and_spaces_come_before_a_list(tmp_path: Path) -> None:
    (tmp_path / "rows.json").write_text("\n" * 5000 + ' [{"a": 1}]')
    assert [row for _, row in read_rows(tmp_path / "rows.json")] == [{"a": 1}]
