"""Labels of a closed set: what stands beside them, and what makes them none."""

import pytest

from dsbs.tasks.labels import match_label

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
        ("class", RATINGS, "4-ish", "continues"),
        ("class", RATINGS, "4 of the people", "continues"),
        ("class", RATINGS, "4/5 of people", "continues"),
        ("class", RATINGS, "4 lakh", "continues"),
        ("class", RATINGS, "4 per cent", "continues"),
        ("class", RATINGS, "4 point five", "continues"),
        ("class", RATINGS, "4 a.m.", "continues"),
        ("class", RATINGS, "4/5/2020", "ambiguous"),
        ("class", RATINGS, "4 → 5", "ambiguous"),
        ("class", ("yes", "no"), "No idea", "continues"),
        ("class", ("yes", "no"), "Yes and no", "ambiguous"),
        ("class", LANGUAGES, "Objective-C", None),
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
        ("choice", THREE, "B - C", "ambiguous"),
        ("choice", THREE, "B & C", "ambiguous"),
        ("choice", THREE, "ice (c)", "ambiguous"),
        ("choice", THREE, "ice/water", "continues"),
        ("choice", ("10", "20"), "10 percent", "continues"),
        ("choice", ("1/2", "3/4"), "1/20", "continues"),
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
        ("class", RATINGS, "4 stars out of 5", "4"),
        ("class", RATINGS, "4-star", "4"),
        ("class", RATINGS, "4 ★★★★☆", "4"),
        ("class", RATINGS, "5 stars (4 would be too low)", "5"),
        ("class", ("yes", "no"), "No, it is not.", "no"),
        ("class", ("true", "false"), "False, that is not stated.", "false"),
        ("class", ("spam", "not spam"), "Not spam, it is not an ad.", "not spam"),
        ("class", NLI, "<output>neutral</output>", "neutral"),
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
        ("choice", THREE, "ice (b)", "ice"),
        ("choice", THREE, "「ice」", "ice"),
        ("choice", THREE, "👉 B", "ice"),
        ("choice", THREE, "\\boxed{\\textbf{(B)}~ice}", "ice"),
        ("choice", ("10", "100", "1000"), "1,000", "1000"),
        ("choice", ("-5", "5"), "−5", "-5"),
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
        "(b) ice. I would go with steam in the end.",
        "(b) ice — steam",
    ],
)
def test_another_option_behind_the_answer_is_scored_and_not_learned(text: str) -> None:
    found = match_label("choice", text, THREE)
    assert (found.label, found.reason) == ("ice", "ambiguous")


def test_words_that_take_an_answer_back_leave_none() -> None:
    for behind in ("Then again, steam fits.", "On reflection, it is steam.", "Wait, steam."):
        assert match_label("choice", f"(b) ice. {behind}", THREE).label is None, behind
