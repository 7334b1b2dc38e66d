"""Published numbers have known sources."""

from dsbs.reporting.paper_numbers import published


def test_published_numbers_are_shares_of_known_sources() -> None:
    known = published()
    used = {entry.source for entry in known.students} | {t.source for t in known.teachers}
    assert used == set(known.sources)
    assert all(20 < entry.accuracy < 100 for entry in known.students)
    assert {t.task for t in known.teachers} <= {entry.task for entry in known.students}
