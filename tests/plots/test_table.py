"""A table is the same for people, spreadsheets and papers."""

from dsbs.core.tables import Share
from dsbs.plots.table import Table


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
