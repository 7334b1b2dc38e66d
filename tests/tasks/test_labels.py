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
LANGUAGES = ("c", "java", "python")


@pytest.mark.parametrize(
    ("kind", "allowed", "text", "reason"),
    [
        ("class", RATINGS, "4.5", "continues"),
        ("class", RATINGS, "4,5", "ambiguous"),
        ("class", RATINGS, "4:30", "continues"),
        ("class", RATINGS, "45", "continues"),
        ("class", RATINGS, "4/10", "continues"),
        ("class", RATINGS, "4%", "continues"),
        ("class", RATINGS, "4 million", "continues"),
        ("class", RATINGS, "4k", "continues"),
        ("class", RATINGS, "4th", "continues"),
        ("class", RATINGS, "4x", "continues"),
        ("class", RATINGS, "4 and a half", "continues"),
        ("class", RATINGS, "4½", "continues"),
        ("class", RATINGS, "4; 7", "continues"),
        ("class", RATINGS, "4 - 5", "ambiguous"),
        ("class", RATINGS, "4–5", "ambiguous"),
        ("class", RATINGS, "4 to 5", "ambiguous"),
        ("class", RATINGS, "4 or 5", "ambiguous"),
        ("class", RATINGS, "between 4 and 5", "ambiguous"),
        ("class", RATINGS, "not 4", "negated"),
        ("class", LANGUAGES, "C++", "continues"),
        ("class", LANGUAGES, "C#", "continues"),
        ("class", LANGUAGES, "C/Python", "ambiguous"),
        ("class", LANGUAGES, "Java, then Python", "ambiguous"),
        ("class", LANGUAGES, "python.exe", "continues"),
        ("class", NLI, "neutral or contradiction", "ambiguous"),
        ("class", NLI, "neutral/contradiction", "ambiguous"),
        ("class", NLI, "neutral, maybe contradiction", "ambiguous"),
        ("class", NLI, "neutral and contradiction", "ambiguous"),
        ("class", NLI, "neutral?", "ambiguous"),
        ("class", NLI, "neutral {", "continues"),
        ("class", NLI, "neutral is not right", "negated"),
        ("class", NLI, "neutral. Wait, it is a contradiction.", "negated"),
        ("class", NLI, "not entailment", "negated"),
        ("class", NLI, "neither entailment nor contradiction", "ambiguous"),
        ("class", NLI, "isn't neutral", "negated"),
        ("choice", THREE, "not (a)", "negated"),
        ("choice", THREE, "either (a) fire or (b) ice", "ambiguous"),
        ("choice", THREE, "(a) or (b)", "ambiguous"),
        ("choice", THREE, "A or B", "ambiguous"),
        ("choice", THREE, "A/B", "ambiguous"),
        ("choice", THREE, "A-C", "ambiguous"),
        ("choice", THREE, "a, b", "ambiguous"),
        ("choice", THREE, "both (b) and (c)", "ambiguous"),
        ("choice", THREE, "(b) ice and (c) steam", "ambiguous"),
        ("choice", THREE, "(b) ice, or maybe steam", "ambiguous"),
        ("choice", THREE, "(b) ice. However, it could be steam.", "ambiguous"),
        ("choice", THREE, "(b) ice is wrong", "negated"),
        ("choice", THREE, "(b) ice. Actually, no.", "negated"),
        ("choice", THREE, "all of the above", None),
        ("choice", THREE, "none of these", "negated"),
        ("choice", THREE, "ice cream", "continues"),
        ("choice", THREE, "(ı)", None),
        ("choice", THREE, "(ß)", None),
        ("choice", ("O", "AB", "A", "B"), "(a)", "ambiguous"),
        ("choice", ("ice", "ICE", "fire"), "Ice", "ambiguous"),
    ],
)
def test_a_part_is_never_taken_for_the_whole(
    kind: str, allowed: tuple[str, ...], text: str, reason: str | None
) -> None:
    found = match_label(kind, text, allowed)  # type: ignore[arg-type]
    assert (found.label, found.match, found.reason) == (None, "none", reason)


@pytest.mark.parametrize(
    ("kind", "allowed", "text", "label"),
    [
        ("class", RATINGS, "4.0", "4"),
        ("class", RATINGS, "4/5", "4"),
        ("class", RATINGS, "4 out of 5 stars", "4"),
        ("class", RATINGS, "4 stars", "4"),
        ("class", RATINGS, "4 - a good film", "4"),
        ("class", RATINGS, "**4**.", "4"),
        ("class", LANGUAGES, "Java 8", "java"),
        ("class", LANGUAGES, "Python 3.11", "python"),
        ("class", (*LANGUAGES, "c++"), "C++", "c++"),
        ("class", NLI, "neutral (nothing is said)", "neutral"),
        ("class", NLI, "neutral, not contradiction", "neutral"),
        ("class", NLI, "neutral rather than entailment", "neutral"),
        ("class", NLI, "a neutral statement", "neutral"),
        ("class", ("Acme Inc.", "other"), "Acme Inc", "Acme Inc."),
        ("class", ("Acme Inc.", "other"), "Acme Inc..", "Acme Inc."),
        ("class", ("yes", "no"), "No.", "no"),
        ("choice", THREE, "B: ice", "ice"),
        ("choice", THREE, "B", "ice"),
        ("choice", THREE, "[[B]]", "ice"),
        ("choice", THREE, "the ice", "ice"),
        ("choice", THREE, "ice, which is frozen", "ice"),
        ("choice", THREE, "(b) is the only cold one", "ice"),
        (
            "choice",
            ("vitamin (c) pill", "vitamin (a) pill"),
            "Vitamin (A) pill.",
            "vitamin (a) pill",
        ),
        (
            "choice",
            ("vitamin (c) pill", "vitamin (a) pill"),
            "(b) vitamin (a) pill",
            "vitamin (a) pill",
        ),
        ("choice", ("(i) only", "(ii) only", "(i) and (ii)"), "(i) and (ii)", "(i) and (ii)"),
        ("choice", ("(i) only", "(ii) only", "(i) and (ii)"), "(c) (i) and (ii)", "(i) and (ii)"),
        ("choice", ("people's house", "café"), "(a) people’s house.", "people's house"),
        ("choice", ("people's house", "café"), "(b) cafe\u0301.", "café"),
        ("choice", ("the U.S.", "D.C."), "the U.S", "the U.S."),
        ("choice", ("the U.S.", "D.C."), "(a) the U.S..", "the U.S."),
        ("choice", ("1.5", "2"), "1.5.", "1.5"),
        ("choice", ("O", "AB", "A", "B"), "a", "A"),
        ("choice", ("O", "AB", "A", "B"), "(c) A.", "A"),
        ("choice", ("ice", "ICE", "fire"), "ICE", "ICE"),
        ("text", (), "Paris.", "Paris"),
        ("text", (), ": **Paris**", "Paris"),
        ("text", (), '"Paris".</s>', "Paris"),
        ("text", (), "the U.S.", "the U.S."),
        ("text", (), "Paris. I hope this helps!", "Paris"),
    ],
)
def test_what_stands_beside_a_label_and_is_harmless(
    kind: str, allowed: tuple[str, ...], text: str, label: str
) -> None:
    found = match_label(kind, text, allowed)  # type: ignore[arg-type]
    assert (found.label, found.reason) == (label, None)


@pytest.mark.parametrize(
    "text",
    [
        "B because A is hot",
        "(b) ice, because steam is hot",
        "(b) ice\n\nSteam is hot, and so is fire.",
        "(b) ice. Fire is not correct.",
        "(b) ice. The other options, fire and steam, give off heat.",
        "(b) ice (neither fire nor steam is cold)",
    ],
)
def test_an_explanation_may_name_other_options(text: str) -> None:
    found = match_label("choice", text, THREE)
    assert (found.label, found.reason) == ("ice", None)


@pytest.mark.parametrize(
    "text",
    [
        "(b) ice. (c) steam",
        "(b) ice\nsteam",
        "(b) ice. The answer is steam, not ice.",
        "(b) ice. It is steam.",
        "(b) ice. Steam is correct.",
        "(b) ice — steam",
    ],
)
def test_another_option_behind_the_answer_is_scored_and_not_learned(text: str) -> None:
    found = match_label("choice", text, THREE)
    assert (found.label, found.reason) == ("ice", "ambiguous")


def test_gold_labels_go_through_the_same_door_and_nothing_may_stand_beside_them() -> None:
    assert gold_label("class", "Neutral.", NLI) == "neutral"
    assert gold_label("class", "neutral because nothing is said", NLI) is None
    assert gold_label("choice", "b", THREE) == "ice"
    assert gold_label("choice", "(b) ice", THREE) == "ice"
    assert gold_label("choice", "(b) fire", THREE) is None
    assert gold_label("choice", "a", ("O", "AB", "A", "B")) == "A"
    assert gold_label("equation", "9 (apples)") == "9"
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
