"""Checks of the data: on the published release, whose numbers are known, and on small cases made for each trap."""

import sys
from pathlib import Path

import pytest
from conftest import Cli, Farm

from dsbs.core.records import Example, Split
from dsbs.data.load import load_data
from dsbs.data.near_duplicates import describe, find_duplicates
from dsbs.labeling.rationale_checks import argues_for
from dsbs.metrics.accuracy import interval
from dsbs.metrics.calibration import calibration
from dsbs.metrics.distributions import distance, probabilities
from dsbs.tasks.prompts import load_task


def example(name: str, text: str, split: Split = "train") -> Example:
    return Example(name, split, {}, text)


def test_svamp_repeats_105_of_200_bodies_but_for_their_numbers(published: Path) -> None:
    splits = load_data(load_task("svamp"), published).splits
    found = find_duplicates(splits["train"], splits["test"])
    assert found is not None
    assert (found["but_for_numbers"], found["test_rows"]) == (105, 200)
    inputs = {e.id: e.input for rows in splits.values() for e in rows}
    for pair in found["pairs"]:
        if pair["how"] == "but_for_numbers":
            bodies = [inputs[pair[part]].split("\n")[0] for part in ("test", "train")]
            masked = [
                "".join(c for c in body if not c.isdigit()).casefold().split() for body in bodies
            ]
            assert masked[0] == masked[1]


def test_near_duplicates_are_those_of_comparing_every_pair(published: Path) -> None:
    splits = load_data(load_task("svamp"), published).splits
    found = find_duplicates(splits["train"], splits["test"])
    assert found is not None

    def words(text: str) -> set[str]:
        import re

        return set(re.findall(r"\w+", re.sub(r"\d+(?:[.,]\d+)*", "0", text.casefold())))

    seen = [words(e.input) for e in splits["train"]]
    near = {
        e.id
        for e in splits["test"]
        if any(len(words(e.input) & s) >= 0.8 * len(words(e.input) | s) for s in seen)
    }
    proposed = {pair["test"] for pair in found["pairs"] if pair["how"] == "near"}
    assert proposed <= near
    assert len(proposed) >= 0.97 * len(near)


def test_lines_without_numbers_and_short_lines_are_no_templates() -> None:
    train = [
        example("a", "Answer the question below.\n(1) yes"),
        example("b", "Tom has 3 red apples today\nHow many?"),
    ]
    test = [
        example("c", "Answer the question below.\n(2) no", "test"),
        example("d", "Tom has 14 red apples today\nWho?", "test"),
    ]
    found = find_duplicates(train, test)
    assert found is not None
    assert [
        (p["test"], p["train"], p["how"]) for p in found["pairs"] if p["how"] == "but_for_numbers"
    ] == [("d", "b", "but_for_numbers")]


def test_the_search_is_left_out_where_it_is_not_wanted_or_not_possible(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    rows = [example("a", "one two three")]
    assert find_duplicates(rows, rows, "never") is None
    assert find_duplicates(rows, []) is None
    many = [example("a", "one")] * 50_000
    assert find_duplicates(many, rows, "auto") is None
    monkeypatch.setitem(sys.modules, "datasketch", None)
    found = find_duplicates(rows, rows)
    assert found is not None
    assert found["near"] is None
    assert describe(found) == [
        "near-duplicates of test inputs were not looked for: pip install datasketch"
    ]


def test_generate_tells_of_duplicates_labels_and_rationales(
    published: Path, tmp_path: Path, cli: Cli
) -> None:
    svamp = cli(
        "generate", "--task", "svamp", "--data", published, "--out", tmp_path / "svamp"
    ).stdout
    assert "105 of 200 test inputs repeat a line of a training input but for its numbers" in svamp
    assert "train: rationales end in the value of their equation in 8" in svamp
    cqa = cli(
        "generate",
        "--task",
        "cqa",
        "--data",
        published,
        "--out",
        tmp_path / "cqa",
        "--duplicates",
        "never",
    ).stdout
    assert (
        "train: 448 labels are not literally among the allowed ones; of these 124 were read by folding"
        in cqa
    )
    assert "inputs share" not in cqa


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


def test_distances_of_label_counts() -> None:
    assert distance({"a": 5, "b": 5}, {"a": 50, "b": 50}) == 0
    assert distance({"a": 3}, {"b": 7}) == 1
    assert distance({"a": 6, "b": 4}, {"a": 5, "b": 5}) == pytest.approx(0.1)


def test_probabilities_of_scores_sum_to_one_at_any_size() -> None:
    found = probabilities({"a": -1000.0, "b": -1000.0, "c": -5000.0})
    assert found == {"a": 0.5, "b": 0.5, "c": 0.0}


def test_calibration_by_hand() -> None:
    """Four answers at 0.8 of which three are right, and one at 0.6 that is wrong."""
    sure, unsure = {"yes": 0.8, "no": 0.2}, {"yes": 0.6, "no": 0.4}
    found = calibration(
        "class", [(sure, "yes"), (sure, "yes"), (sure, "yes"), (sure, "no"), (unsure, "no")]
    )
    assert found is not None
    assert found["ece"] == pytest.approx((4 * 0.05 + 0.6) / 5)
    assert found["brier"] == pytest.approx((3 * 0.08 + 1.28 + 0.72) / 5)
    assert [(part["n"], part["accuracy"]) for part in found["bins"]] == [(1, 0.0), (4, 0.75)]
    assert calibration("class", []) is None


def test_calibrated_answers_have_a_small_error_and_overconfident_ones_do_not() -> None:
    import random

    rng = random.Random(0)
    drawn = [(p := rng.uniform(0.5, 1), "yes" if rng.random() < p else "no") for _ in range(4000)]
    honest = calibration("class", [({"yes": p, "no": 1 - p}, gold) for p, gold in drawn])
    boasting = calibration("class", [({"yes": 0.99, "no": 0.01}, gold) for _, gold in drawn])
    assert honest is not None
    assert boasting is not None
    assert honest["ece"] < 0.03 < 0.2 < boasting["ece"]
    low, high = interval(sum(gold == "yes" for _, gold in drawn), 4000)
    assert low < 0.99 - boasting["ece"] < high


def test_the_gold_and_the_teachers_labels_are_set_side_by_side(farm: Farm) -> None:
    split = farm.generate()["splits"]["train"]
    assert split["label_counts"]["teacher"] == split["label_counts"]["gold"]
    assert split["label_distance"] == 0
    assert sum(split["label_counts"]["gold"].values()) == split["rows"]
    assert "calibration" not in split
