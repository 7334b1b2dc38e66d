import pytest

from dsbs.tasks.labels import (
    gold_label,
    match_label,
    meaning,
    normalize,
    published_label,
    same_label,
)

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
        ("either (a) park or (d) bridge", None, "none"),
        ("(e) viaduct", "bridge", "letter"),
        ("viaduct", None, "none"),
        ("(z) viaduct", None, "none"),
        ("", None, "none"),
        ("a coloring book", "coloring book", "exact"),
        ("the bridge of sighs", None, "none"),
    ],
)
def test_a_choice_is_read_by_its_text_else_by_its_letter(
    text: str, label: str | None, match: str
) -> None:
    found = match_label("choice", text, CHOICES)
    assert (found.label, found.match) == (label, match)


def test_a_whole_text_wins_over_a_letter_that_disagrees() -> None:
    found = match_label("choice", "(a) coloring book", CHOICES)
    assert (found.label, found.match, found.reason) == ("coloring book", "folded", None)
    found = match_label("choice", "(e) viaduct", CHOICES)
    assert (found.label, found.reason) == ("bridge", "mismatch")


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


THREE = ("fire", "ice", "steam")
NLI = ("entailment", "neutral", "contradiction")
RATINGS = ("1", "2", "3", "4", "5")


@pytest.mark.parametrize(
    ("text", "label"),
    [
        ("Paris.", "Paris"),
        (": **Paris**", "Paris"),
        ('"Paris".</s>', "Paris"),
        ("the U.S.", "the U.S."),
        ("Paris. I hope this helps!", "Paris"),
    ],
)
def test_a_text_is_read_without_what_is_no_part_of_it(text: str, label: str) -> None:
    assert normalize("text", text) == label


def test_gold_labels_go_through_the_same_door_and_nothing_may_stand_beside_them() -> None:
    assert gold_label("class", "Neutral.", NLI) == "neutral"
    assert gold_label("class", "neutral because nothing is said", NLI) is None
    assert gold_label("choice", "b", THREE) == "ice"
    assert gold_label("choice", "(b) ice", THREE) == "ice"
    assert gold_label("choice", "(b) fire", THREE) is None
    assert gold_label("choice", "option B", THREE) == gold_label("choice", "(B).", THREE) == "ice"
    assert gold_label("choice", "B because it is frozen", THREE) is None
    assert gold_label("choice", "a", ("O", "AB", "A", "B")) == "A"
    assert gold_label("equation", "9 (apples)") == "9"
    assert gold_label("class", "4/5", RATINGS) == gold_label("class", "4.0", RATINGS) == "4"
    assert gold_label("class", "4/10", RATINGS) is None
    for text in (
        "9 a.m.",
        "1/2/2020",
        "3 to 1",
        "2, 4 and 6",
        "10 dozen",
        "12 (dozen)",
        "8 (a.m.)",
    ):
        assert gold_label("equation", text) is None, text
    for text in ("9:10", "3:30 p.m.", "8; 40", "6th", "6 (cm); 15 (cm)", "3 1/2"):
        assert gold_label("equation", text) is None, text


def test_labels_of_one_meaning_have_one_name() -> None:
    assert len({meaning("equation", text) for text in ("12", "( 36 / 3 )", "12.0", "4 * 3")}) == 1
    assert meaning("equation", "12") != meaning("equation", "13")
    assert meaning("equation", "0.1 + 0.2") == meaning("equation", "0.3")
    assert meaning("text", "Paris.") == meaning("text", "**paris**")
    assert meaning("choice", "1.50") != meaning("choice", "1.5")


@pytest.mark.parametrize(
    "written",
    [
        "Paris.",
        "paris",
        "PARIS.",
        '"Paris"',
        '"Paris".',
        '"Paris."',
        "'Paris'",
        "\N{LEFT DOUBLE QUOTATION MARK}Paris\N{RIGHT DOUBLE QUOTATION MARK}.",
        "**Paris**",
        "**Paris.**",
        "**Paris**.",
        '**"Paris."**',
        "*Paris*",
        "`Paris`",
        "__Paris__.",
        ": Paris",
        "Paris\N{IDEOGRAPHIC FULL STOP}",
        "Paris..",
        " Paris \n",
    ],
)
def test_a_text_is_the_same_with_a_full_stop_quotes_or_bold(written: str) -> None:
    assert same_label("text", written, "Paris")
    assert same_label("text", normalize("text", written), "Paris")
    assert same_label("text", gold_label("text", written), normalize("text", "**Paris**."))
    assert meaning("text", written) == meaning("text", "Paris")
    assert not same_label("text", written, "Parish")


def test_a_text_keeps_the_full_stop_of_an_abbreviation() -> None:
    assert normalize("text", "**the U.S.**") == "the U.S."
    assert same_label("text", "the U.S", "The U.S..")
    assert not same_label("text", "3.5", "35")
