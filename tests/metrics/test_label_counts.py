"""Counts of labels, whatever their writing, in memory that does not grow with rows."""

from dsbs.metrics import label_counts
from dsbs.metrics.label_counts import LabelCounts


def test_labels_are_counted_by_meaning_and_shown_as_first_written() -> None:
    found = LabelCounts("equation")
    for label in ("12.0", "13", None, "( 7 + 5 )", "12"):
        found.add(label)
    top = found.commonest()
    assert top is not None
    assert (top.key, top.label, top.rows, found.total) == ("12", "12.0", 3, 4)
    assert found.share("13") == 0.25
    assert LabelCounts("text").commonest() is None
    assert LabelCounts("text").share("x") == 0


def test_options_are_counted_by_their_letters() -> None:
    found = LabelCounts("choice")
    found.add("Ice", ("fire", "ice"))
    found.add("fire", ("water", "fire"))
    found.add("earth", ("water", "fire"))  # an option that the row does not have
    assert (dict(found.counts), found.total) == ({"b": 2}, 2)


def test_parts_that_are_counted_apart_make_the_whole() -> None:
    labels = ["a", "b", "A", "c", "a"]
    whole = LabelCounts.of("class", labels, [()] * 5)
    first = LabelCounts.of("class", labels[:2], [()] * 2)
    first.merge(LabelCounts.of("class", labels[2:], [()] * 3))
    assert first == whole


def test_of_very_many_labels_the_one_of_most_rows_is_kept() -> None:
    found = LabelCounts("text")
    for at in range(3 * label_counts._MOST_LABELS):
        found.add(str(at) if at % 2 else "always")
    top = found.commonest()
    assert top is not None
    assert (top.label, top.rows) == ("always", 1.5 * label_counts._MOST_LABELS)
    assert len(found.counts) <= label_counts._MOST_LABELS
    assert len(found.written) <= label_counts._MOST_LABELS
