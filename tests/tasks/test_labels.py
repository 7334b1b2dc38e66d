import pytest

from dsbs.tasks.labels import match_label, normalize, published_label, same_label

CHOICES = ("park", "coloring book", "washington d.c", "bridge", "bridge")


@pytest.mark.parametrize(
    ("text", "label", "match"),
    [
        ("coloring book", "coloring book", "exact"),
        (" (b) coloring book.", "coloring book", "exact"),
        ("Coloring  Book", "coloring book", "folded"),
        ("(c) Washington D.C.", "washington d.c", "folded"),
        ("(e)", "bridge", "letter"),
        ("B", "coloring book", "letter"),
        ("b.", "coloring book", "letter"),
        ("either (a) park or (d) bridge", "park", "letter"),
        ("(e) viaduct", "bridge", "letter"),
        ("viaduct", None, "none"),
        ("(z) viaduct", None, "none"),
        ("", None, "none"),
        ("a coloring book", None, "none"),
    ],
)
def test_a_choice_is_read_by_its_text_else_by_its_letter(
    text: str, label: str | None, match: str
) -> None:
    found = match_label("choice", text, CHOICES)
    assert (found.label, found.match) == (label, match)


def test_the_text_wins_over_a_letter_that_disagrees() -> None:
    assert normalize("choice", "(a) coloring book", CHOICES) == "coloring book"


@pytest.mark.parametrize(
    ("text", "label"),
    [
        ("entailment", "entailment"),
        ("Entailment.", "entailment"),
        ("neutral because nothing is said", "neutral"),
        ("not entailment", None),
        ("neutrality", None),
        ("entailment-like", None),
        ("", None),
    ],
)
def test_a_class_is_read_with_capital_full_stop_or_words_behind_it(
    text: str, label: str | None
) -> None:
    assert normalize("class", text, ("entailment", "neutral", "contradiction")) == label


def test_of_two_labels_that_begin_alike_the_longer_is_read() -> None:
    assert normalize("class", "very good film", ("very", "very good")) == "very good"


@pytest.mark.parametrize("kind", ["choice", "class", "equation", "text"])
def test_normalizing_twice_is_normalizing_once(kind: str) -> None:
    for text in ["(a) park", "Bridge.", "(3 * 8) + 9.", "42 dollars", " some  text. ", "", "e"]:
        once = normalize(kind, text, CHOICES)  # type: ignore[arg-type]
        if once is not None:
            assert normalize(kind, once, CHOICES) == once  # type: ignore[arg-type]


def test_labels_are_the_same_by_value_or_by_folded_text() -> None:
    assert same_label("equation", "( 84 / 2 )", "( 84.0 / 2.0 )")
    assert not same_label("equation", "( 2 - 84 )", "( 84 - 2 )")
    assert same_label("text", "A  Bridge", "a bridge")
    assert not same_label("choice", None, None)


def test_the_published_rule_takes_the_text_behind_the_first_letter_and_the_last_bracket() -> None:
    assert published_label("choice", " (d) math problem.") == "math problem"
    assert published_label("choice", " either (a) park or (d) bridge.") == "park or"
    assert published_label("choice", "math problem") == ""
    assert published_label("equation", " (3 * 8) + 9.") == "(3 * 8)"
    assert published_label("class", " entailment.") == "entailment"
