"""TF-IDF finds what single words tell, and nothing else."""

import itertools
import math

import pytest

pytest.importorskip("sklearn")

from dsbs.baselines.labels import CannotDo, LabeledRow
from dsbs.baselines.tfidf import tfidf
from support.baseline_rows import label_task, row

FRUITS = ["apple", "pear", "plum", "fig"]
TOOLS = ["saw", "drill", "file", "clamp"]


def test_words_of_a_class_are_found() -> None:
    train = [LabeledRow(row(f"a {word} here"), "yes") for word in FRUITS]
    train += [LabeledRow(row(f"a {word} here"), "no") for word in TOOLS]
    guesses = tfidf(label_task("class"), train)([row("one pear"), row("one drill")])
    assert [guess.label for guess in guesses] == ["yes", "no"]
    for guess in guesses:
        assert guess.scores is not None
        assert sum(map(math.exp, guess.scores.values())) == pytest.approx(1)


def test_options_that_change_by_row_are_judged_with_their_question() -> None:
    """Which of two words is right depends on the question alone."""
    pairs = list(itertools.product(FRUITS, TOOLS))
    train = [LabeledRow(row("which fruit", *pair), pair[0]) for pair in pairs]
    train += [LabeledRow(row("which tool", *reversed(pair)), pair[1]) for pair in pairs]
    label = tfidf(label_task("choice"), train)
    asked = [row("which tool", "pear", "saw"), row("which fruit", "saw", "pear")]
    assert [guess.label for guess in label(asked)] == ["saw", "pear"]


def test_training_rows_of_one_label_teach_that_label() -> None:
    train = [LabeledRow(row(word), "yes") for word in FRUITS]
    assert [g.label for g in tfidf(label_task("class"), train)([row("saw")])] == ["yes"]


def test_open_labels_are_refused_with_the_reason() -> None:
    for kind in ("equation", "text"):
        with pytest.raises(CannotDo, match=f"labels of kind '{kind}' are no closed set"):
            tfidf(label_task(kind), [LabeledRow(row("one"), "1"), LabeledRow(row("two"), "2")])
