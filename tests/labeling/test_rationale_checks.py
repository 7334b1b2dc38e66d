"""Which label a rationale argues for."""

from pathlib import Path

import pytest

from dsbs.labeling.rationale_checks import argues_for, bucket


@pytest.mark.parametrize(
    ("rationale", "label", "expected"),
    [
        (
            "It is kept by a river bank, where boats land.",
            "river bank",
            "label",
        ),  # "bank" is inside it
        ("Money is in the bank, not at the river bank.", "bank", "several"),
        ("Money is kept in the bank.", "river bank", "other"),
        ("People go there on Sundays.", "bank", "nothing"),
        ("The banker said so.", "bank", "nothing"),  # a word of its own
        ("The BANK, of course!", "bank", "label"),
    ],
)
def test_what_a_rationale_argues_for(rationale: str, label: str, expected: str) -> None:
    assert argues_for("choice", rationale, label, ("bank", "river bank", "park")) == expected


@pytest.mark.parametrize(
    ("rationale", "label", "expected"),
    [
        ("84 points in 2 rounds. 84 / 2 = 42.", "( 84 / 2 )", "label"),
        ("He gets 42. Then 5 more.", "( 84 / 2 )", "several"),
        ("So he has 12.", "( 84 / 2 )", "other"),
        ("It costs 1,200.50 in all.", "1200.5", "label"),
        ("There were many.", "( 84 / 2 )", "nothing"),
    ],
)
def test_a_rationale_argues_for_the_equation_whose_value_it_ends_in(
    rationale: str, label: str, expected: str
) -> None:
    assert argues_for("equation", rationale, label) == expected


def test_labels_are_set_side_by_side_by_what_they_mean() -> None:
    for written in ("yes", "Yes", " YES "):
        assert bucket("class", written, ("no", "yes")) == "yes"
    assert bucket("choice", "Ice", ("fire", "ice")) == "b"
    assert bucket("choice", "earth", ("fire", "ice")) is None
    assert bucket("equation", "12", ()) is bucket("class", None, ("yes",)) is None


def test_rationales_of_wrong_answers_argue_for_them_too(cqa_palm: Path) -> None:
    """A wrong answer of PaLM is mostly argued for, so its rationale teaches the wrong answer."""
    import pyarrow.parquet as pq

    rows = [
        r
        for r in pq.read_table(cqa_palm / "data" / "train.parquet").to_pylist()
        if r["rationale"] and r["label"]
    ]
    wrong = [
        argues_for("choice", r["rationale"], r["label"], r["choices"])
        for r in rows
        if not r["correct"]
    ]
    assert sum(argued in ("label", "several") for argued in wrong) / len(wrong) > 0.7
