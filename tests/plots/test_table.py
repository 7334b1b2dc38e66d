"""A table is the same for people, spreadsheets and papers."""

import csv
from pathlib import Path

from dsbs.core.tables import Share
from dsbs.plots.table import Table, save_tables


def test_a_table_is_the_same_for_people_spreadsheets_and_papers() -> None:
    table = Table(
        "t",
        "T",
        ["who & what", "share", "from"],
        [["a_b 50 %", Share(0.5), (0.25, 0.75)], ["c", None, None]],
    )
    assert table.shown == [["a_b 50 %", "50.0 %", "25.0 to 75.0 %"], ["c", "–", "–"]]
    assert table.flat() == [
        ["who & what", "share", "from low", "from high"],
        ["a_b 50 %", 0.5, 0.25, 0.75],
        ["c"] + [None] * 3,
    ]
    assert r"who \& what & share & from \\" in table.latex()
    assert r"a\_b 50 \% & 50.0 \% & 25.0 to 75.0 \% \\" in table.latex()


def test_no_cell_of_a_csv_is_a_formula_and_no_number_changes(tmp_path: Path) -> None:
    texts = ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\n=1", "plain", "a=b", ""]
    table = Table("t", "T", ["=label", "n"], [[text, -1.5] for text in texts])
    save_tables([table], tmp_path)
    with (tmp_path / "t.csv").open(newline="", encoding="utf-8") as file:
        header, *rows = csv.reader(file)
    assert header == ["'=label", "n"]
    assert [row[0] for row in rows] == [f"'{t}" if at < 7 else t for at, t in enumerate(texts)]
    assert {row[1] for row in rows} == {"-1.5"}
