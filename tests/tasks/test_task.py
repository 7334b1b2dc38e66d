"""What a task as data answers about its rows."""

import pytest

from dsbs.tasks.task import Task

OPTIONS = ("river", "barn", "vase")


def choosing(input_template: str) -> Task:
    return Task.model_validate(
        {
            "name": "t",
            "version": 1,
            "label": {"kind": "choice"},
            "input": input_template,
            "prompt": {"question": "{{ input }}", "answer": "{{ label }}"},
            "answer": {"marker": "So"},
            "demonstrations": [
                {"q": "?", "choices": list(OPTIONS), "rationale": "r", "label": "river"}
            ],
            "columns": {"fields": {"q": "q"}, "choices": "options"},
        }
    )


@pytest.mark.parametrize(
    ("text", "scored", "known"),
    [
        ("Where is a trout?", False, ()),
        ("Where is a trout, in a barn?", False, ()),  # one option in the question is no choice
        ("Where is a trout? (a) river (b) barn (c) vase", False, OPTIONS),
        ("Where is a trout?", True, OPTIONS),
    ],
)
def test_a_student_can_guess_among_the_options_that_it_sees(
    text: str, scored: bool, known: tuple[str, ...]
) -> None:
    task = choosing("{{ q }}")
    assert task.guessable(text, OPTIONS, scored=scored) == known
