"""CSV and TSV as spreadsheets, databases and linguists write them."""

import csv
import io
from pathlib import Path

import pytest

from dsbs.core.errors import InputError
from dsbs.data.delimited import read_delimited

ROWS = [["id", "text", "kind"], ["1", "Late, again; | really", "bad"], ["2", 'He "left"', "good"]]


def read(path: Path) -> list[dict[str, str]]:
    return [dict(row) for _, row in read_delimited(path)]


def written(rows: list[list[str]], **form: object) -> str:
    stream = io.StringIO()
    csv.writer(stream, **form).writerows(rows)  # type: ignore[arg-type]
    return stream.getvalue()


WANTED = [dict(zip(ROWS[0], row, strict=True)) for row in ROWS[1:]]


@pytest.mark.parametrize("quoting", [csv.QUOTE_MINIMAL, csv.QUOTE_ALL, csv.QUOTE_NONNUMERIC])
@pytest.mark.parametrize("ends", ["\n", "\r\n"])
@pytest.mark.parametrize("delimiter", [",", ";", "|", "\t"])
def test_the_delimiter_is_found_out(
    tmp_path: Path, delimiter: str, ends: str, quoting: int
) -> None:
    text = written(ROWS, delimiter=delimiter, lineterminator=ends, quoting=quoting)
    for name in ("rows.csv", "rows.tsv"):
        (tmp_path / name).write_bytes(text.encode())
        assert read(tmp_path / name) == WANTED


def test_a_name_with_another_delimiter_does_not_mislead(tmp_path: Path) -> None:
    path = tmp_path / "rows.csv"
    path.write_text("id;text, raw;kind\n1;Late;bad\n2;Good;good\n")
    assert read(path)[0] == {"id": "1", "text, raw": "Late", "kind": "bad"}
    path.write_text("text;a,b\nx;y,z\n")
    with pytest.raises(InputError, match="commas and semicolons"):
        read(path)


def test_one_column_needs_no_delimiter(tmp_path: Path) -> None:
    (tmp_path / "rows.csv").write_text("text\nLate\nGood; bye\n")
    assert read(tmp_path / "rows.csv") == [{"text": "Late"}, {"text": "Good; bye"}]


def test_excels_line_with_the_separator_is_no_header(tmp_path: Path) -> None:
    (tmp_path / "rows.csv").write_text("sep=;\nid;text\n1;Late\n")
    (tmp_path / "tabs.csv").write_text('"sep=\t"\nid\ttext\n1\tLate\n')
    assert read(tmp_path / "tabs.csv") == [{"id": "1", "text": "Late"}]
    ((where, row),) = read_delimited(tmp_path / "rows.csv")
    assert (where[-2:], row) == (":3", {"id": "1", "text": "Late"})


def test_quotes_in_a_tsv_may_be_letters(tmp_path: Path) -> None:
    path = tmp_path / "rows.tsv"
    texts = ['"Late', 'said "x" twice', '5" disk', '"Good" they said', 'end"', '"all of it"']
    path.write_text("text\tkind\n" + "".join(f"{text}\tbad\n" for text in texts))
    assert [row["text"] for row in read(path)] == texts
    path.write_text('text\tkind\n"Great movie"\tgood\nplain\tbad\n')
    assert [row["text"] for row in read(path)] == ['"Great movie"', "plain"]


def test_quotes_of_a_program_in_a_tsv_are_taken_off(tmp_path: Path) -> None:
    path = tmp_path / "rows.tsv"
    texts = ['He said "x"', "Late, again", "two\nlines", "a\ttab", "plain"]
    rows = [["text", "kind"], *([text, "bad"] for text in texts), ["last", "two\nlines"]]
    path.write_text(written(rows, delimiter="\t", lineterminator="\n"))
    assert [row["text"] for row in read(path)] == [*texts, "last"]
    path.write_text('text\tkind\n"Late, again"\tbad\nplain\tgood\n')  # Excel quotes commas too
    assert read(path)[0]["text"] == "Late, again"


def test_a_quote_that_swallows_lines_of_a_tsv_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "rows.tsv").write_text('a\tb\n"1\tx\n2\ty"\tz\n3\n')
    with pytest.raises(InputError, match=r"rows.tsv:3: got a quoted cell"):
        read(tmp_path / "rows.tsv")


def test_names_are_told_apart(tmp_path: Path) -> None:
    path = tmp_path / "rows.csv"
    path.write_text("id, text,text \n1,a,b\n")
    with pytest.raises(InputError, match="the column 'text' 2 times"):
        read(path)
    path.write_text(",text,\n0,Late,\n")
    assert read(path)[0]["text"] == "Late"
    path.write_text(",text,\n0,Late,more\n")
    with pytest.raises(InputError, match="2 columns without a name"):
        read(path)


def test_a_space_behind_each_comma_is_no_part_of_a_cell(tmp_path: Path) -> None:
    (tmp_path / "rows.csv").write_text('id, text, kind\n1, "Late, again", bad\n')
    assert read(tmp_path / "rows.csv") == [{"id": "1", "text": "Late, again", "kind": "bad"}]


def test_rows_of_empty_cells_are_left_out_and_counted(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "rows.csv").write_text("id,text\n1,Late\n,\n\n , \n2,Good\n")
    assert [row["id"] for row in read(tmp_path / "rows.csv")] == ["1", "2"]
    assert "empty cells that are left out: 2, the first in line 3" in capsys.readouterr().err


def test_a_cell_may_be_a_long_document(tmp_path: Path) -> None:
    (tmp_path / "rows.csv").write_text(f'id,text\n1,"{"word " * 50_000}"\n')
    assert len(read(tmp_path / "rows.csv")[0]["text"]) == 250_000


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("id,text\n1,a\nid,text\n2,b\n", "rows.csv:3: got the header a second time"),
        ("| id | text |\n|---|:---:|\n| 1 | a |\n", "rows.csv:2: got a line of dashes"),
        ("id,text\n1\n", "rows.csv:2: got another number of cells: 1; expected 2"),
        ("id,text\n1,a,b\n", "rows.csv:2: got another number of cells: 3; expected 2"),
        ('id,text\n1,"a\n2,b\n', "close each quote"),
        ('id,text\n1,"a" b\n', "close each quote"),
        ("id,text\r1,a\r2,b", "at the end of each line"),
    ],
)
def test_broken_files_are_refused(tmp_path: Path, text: str, said: str) -> None:
    (tmp_path / "rows.csv").write_bytes(text.encode())
    with pytest.raises(InputError) as caught:
        read(tmp_path / "rows.csv")
    assert said in str(caught.value)
