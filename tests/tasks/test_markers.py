"""Markers are found as people write them."""

import pytest

from dsbs.tasks.markers import find_statements, last_statement

MARKERS = ("So the answer is", "The answer is", "Final answer:", "Answer:")


@pytest.mark.parametrize(
    ("text", "start"),
    [
        ("Why. So the answer is ice", 5),
        ("Why. so the answer is ice", 5),
        ("Why. SO THE ANSWER IS ice", 5),
        ("Why. So, the answer is ice", 5),
        ("Why. So the **answer** is ice", 5),
        ("Why. So the\nanswer is ice", 5),
        ("Why. The answer is ice", 5),
        ("Why. Thus the answer is ice", 10),
        ("Why. Final Answer: ice", 5),
        ("Why. **Final answer**: ice", 7),
        ("Why. Answer: ice", 5),
        ("Why.\n\n## Answer\nice", 5),
        ("Why.\n\n**Final Answer**\n\nice", 5),
    ],
)
def test_a_marker_in_every_dress(text: str, start: int) -> None:
    (found,) = find_statements(MARKERS, text)
    assert found.start == start
    assert found.text.strip(" *\n") == "ice"


@pytest.mark.parametrize(
    "text",
    [
        "The answer isn't ice",
        "My answers: ice",
        "the answer\nmay be",
        "The answering is done",
        "####",
    ],
)
def test_what_only_looks_like_a_marker(text: str) -> None:
    assert find_statements(MARKERS, text) == []


def test_markers_of_any_kind() -> None:
    assert find_statements(("####",), "So.\n#### 18\n#### 19")[1].text.strip() == "19"
    assert find_statements(MARKERS, "Why. Answer：ice")[0].text == "ice"
    assert find_statements(("→",), "So → ice")[0].text == " ice"
    assert find_statements(("it's a",), "So it’s a dog")[0].text == " dog"
    assert find_statements(("Réponse :",), "Bien. RÉPONSE : oui")[0].text == " oui"
    assert find_statements(("İş:",), "Tamam İİ İş: evet")[0].text == " evet"


@pytest.mark.parametrize(
    "text", ["Why. So the answer is ice", "The reason\nSo the answer is (b) ice."]
)
def test_a_text_that_ends_as_it_was_asked_for_has_one_statement(text: str) -> None:
    assert [last_statement(MARKERS, text)] == find_statements(MARKERS, text)


@pytest.mark.parametrize(
    "text",
    [
        "So the answer is ice",
        "Why. so the answer is ice",
        'Why. "So the answer is ice',
        "Answer: fire. So the answer is ice",
        "Why. So the answer is ice. Final answer: fire",
        "Why.",
    ],
)
def test_any_other_text_is_looked_at_closely(text: str) -> None:
    assert last_statement(MARKERS, text) is None
    assert last_statement(("Answer:", "Final answer:"), "Why. Answer: ice") is None
