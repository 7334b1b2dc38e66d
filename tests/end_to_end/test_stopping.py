"""What stopping at the end of the answer saves, on what a large teacher really said without being
stopped.
"""

from pathlib import Path

import pytest

from dsbs.core.records import Completion, Example
from dsbs.data.load import load_data
from dsbs.tasks.parsing import parse_answer
from dsbs.tasks.prompts import load_task
from dsbs.tasks.task import Task
from dsbs.teachers.published import read_release
from support.places import ROOT


def answered(task: Task, published: Path) -> list[tuple[Example, str]]:
    """Every example with the text that the teacher gave for it."""
    data = load_data(task, published)
    examples = [example for split in data.parts for example in data.splits[split]]
    ids = {part: [e.id for e in data.splits[split]] for split, part in data.parts.items()}
    assert task.release is not None
    texts = read_release(data.files[0].parent / "llm", task.release.rows_per_chunk, ids).answers
    return [(example, texts[example.id].text or "") for example in examples]


def stopped(task: Task, text: str) -> str:
    """The text as an engine with the task's stop strings would have given it."""
    return text[
        : min([at for stop in task.prompt.stop if (at := text.find(stop)) >= 0], default=len(text))
    ]


@pytest.mark.parametrize(("name", "saved", "ran_on"), [("cqa", 0.64, 1.0), ("svamp", 0.61, 0.984)])
def test_most_of_what_was_generated_came_after_the_answer(
    published: Path, name: str, saved: float, ran_on: float
) -> None:
    """docs/teachers.md states these shares; nothing that can be read is lost by stopping."""
    task = load_task(name)
    pairs = [(example, text, stopped(task, text)) for example, text in answered(task, published)]
    all_of_it, kept = (sum(len(pair[at]) for pair in pairs) for at in (1, 2))
    assert 1 - kept / all_of_it == pytest.approx(saved, abs=0.005)
    assert sum(bool(text[len(cut) :].strip()) for _, text, cut in pairs) / len(
        pairs
    ) == pytest.approx(ran_on, abs=0.0005)
    for example, text, cut in pairs:
        whole, short = (
            parse_answer(task, example, Completion(example.id, said, "stop"))
            for said in (text, cut)
        )
        assert short == whole, text
    stated = (ROOT / "docs" / "teachers.md").read_text()
    assert f"{saved:.0%}".replace("%", " %") in stated
    assert f"{ran_on:.1%}".replace("%", " %").replace("100.0", "100") in stated
