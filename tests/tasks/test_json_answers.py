"""JSON answers are found wherever they stand and however they are broken."""

import time

import pytest

from dsbs.tasks.json_answers import find_json_answers


@pytest.mark.parametrize(
    ("text", "label", "rationale"),
    [
        ('{"rationale": "So.", "label": "ice"}', "ice", "So."),
        ('```json\n{"rationale": "So.", "label": "ice"}\n```', "ice", "So."),
        ('Here:\n{"rationale": "So.", "label": "ice",}', "ice", "So."),
        ('{"Rationale": "So.", "Label": 42}', "42", "So."),
        ('{"rationale": "So.", "label": 1.50}', "1.50", "So."),
        ('{"label": true}', "true", ""),
        ('{"label": ["ice"]}', "ice", ""),
        ('{"explanation": "So {really}.", "answer": "ice"}', "ice", "So {really}."),
        ("{'rationale': 'It is', 'label': 'ice'}", "ice", "It is"),
        ('{"rationale": "two\nlines", "label": "ice"}', "ice", "two\nlines"),
        ('A set {1, 2} and then {"label": "ice"}', "ice", ""),
        ('{"answer": {"rationale": "So.", "label": "ice"}}', "ice", "So."),
        ('{"name": "reply", "arguments": {"label": "ice"}}', "ice", ""),
        ('{"reasoning": ["One.", "Two."], "label": "ice"}', "ice", "One. Two."),
        ('Write {"label": "..."}: {"label": "ice"}', "ice", ""),
    ],
)
def test_a_json_answer(text: str, label: str, rationale: str) -> None:
    (found,) = find_json_answers(text)
    assert (found.label, found.rationale) == (label, rationale)


@pytest.mark.parametrize(
    "text",
    ['{"rationale": "So.", "lab', "{}", "{{", '{"label": null}', '{"label": {"a": 1}}', "[1]"],
)
def test_no_json_answer(text: str) -> None:
    assert find_json_answers(text) == []


@pytest.mark.parametrize(
    "text",
    [
        '{"label": "fire", "label": "ice"}',
        '{"label": ["fire", "ice"]}',
        '{"answer": "fire", "label": "ice"}',
        '{"results": [{"label": "fire"}, {"label": "ice"}]}',
    ],
)
def test_several_labels_are_all_found(text: str) -> None:
    assert {found.label for found in find_json_answers(text)} == {"fire", "ice"}


def test_broken_json_takes_no_time() -> None:
    started = time.monotonic()
    for part in ("{", '{"', '{"a":', "{'", "}{", "{[("):
        find_json_answers(part * (100_000 // len(part)))
    assert time.monotonic() - started < 5
