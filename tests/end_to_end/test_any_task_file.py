"""Whatever stands in a task file, it is a task or one line that says what is wrong."""

import contextlib
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dsbs.core.errors import InputError
from dsbs.core.yaml_files import load_yaml
from dsbs.tasks.prompts import load_task
from support.farm import FARM

LINES = FARM.splitlines()
PARTS = st.text(max_size=30) | st.sampled_from(
    [
        "label: {kind: choice}",
        "label: {kind: class, labels: [bird, bird]}",
        'input: "{{ 1 / 0 }}"',
        "columns: []",
        "columns: {fields: {animal: animal}, choices: 3}",
        'answer: {marker: [""]}',
        "demonstrations: [{label: bird}]",
        "  - {animal: hen, sound: clucks, rationale: It lays., label: bird, choices: ab}",
        "version: !!int x",
        "name: a",
        "a: &a [*a]",
        "<<: *a",
        "? [a, b]",
        "? {a: b}",
        'input: "{{ sound + 1 }}"',
        'input: "{% for a in b %}"',
        "2020-13-45: 1",
        "demonstrations: {a: b}",
        "prompt: {question: 1, answer: 2}",
        "- ",
        ": ",
        "[",
        "{",
        '"',
        "\t",
        "---",
        "!!binary x",
        "hub: {path: a}",
    ]
)


@settings(
    max_examples=100, suppress_health_check=[HealthCheck.function_scoped_fixture], database=None
)
@given(edits=st.lists(st.tuples(st.integers(0, 30), PARTS, st.booleans()), max_size=3))
def test_any_task_file(tmp_path: Path, edits: list[tuple[int, str, bool]]) -> None:
    lines = list(LINES)
    for place, part, insert in edits:
        at = place % len(lines)
        lines[at : at if insert else at + 1] = [part]
    path = tmp_path / "task.yaml"
    path.write_bytes("\n".join(lines).encode("utf-8", "surrogatepass"))
    with contextlib.suppress(InputError):
        load_task(str(path))


@pytest.mark.parametrize("text", ["[" * 20_000, "a: " * 5000, "a: !!float x", "a: 2020-13-45"])
def test_no_yaml_ends_in_anything_else(tmp_path: Path, text: str) -> None:
    (tmp_path / "task.yaml").write_text(text)
    with pytest.raises(InputError):
        load_task(str(tmp_path / "task.yaml"))
    with contextlib.suppress(InputError):
        load_yaml(tmp_path / "task.yaml")
