"""Published numbers have known sources."""

from dsbs.reporting.paper_numbers import published as known_numbers


def test_published_numbers_are_shares_of_known_sources() -> None:
    students, file = known_numbers()
    assert {entry.source for entry in students} | {t["source"] for t in file["teachers"]} == set(
        file["sources"]
    )
    assert all(20 < entry.accuracy < 100 for entry in students)
