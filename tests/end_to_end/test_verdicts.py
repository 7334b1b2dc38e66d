"""Real trainings on tasks that were built so that the right verdict is known."""

from pathlib import Path

import pytest

pytest.importorskip("torch")
pytest.importorskip("sklearn")

from dsbs import api
from support.built_tasks import BUILT_TASKS, build

FEW = {
    "student": "tinier",
    "seeds": "0,1,2",
    "max_steps": 12,
    "batch_size": 16,
    "eval_every": 12,
    "learning_rate": 0.003,
    "max_input_tokens": 24,
    "max_target_tokens": 8,
    "duplicates": "never",
}


@pytest.mark.parametrize("name", ["keywords", "noise"])
def test_the_verdict_is_the_right_one(name: str, tmp_path: Path) -> None:
    """Single words tell all of the one task and nothing of the other."""
    task = BUILT_TASKS[name]
    answers = build(task, tmp_path, train=150, test=800)
    results = api.compare(answers=answers, out=tmp_path / "compared", **FEW)
    assert results["status"] == "done"
    verdict = results["verdict"]
    assert verdict["category"] in task.right
    assert verdict["choice"] in (task.choices or (None,))
    assert verdict["reasons"]


@pytest.mark.parametrize("name", BUILT_TASKS)
def test_a_task_is_built_the_same_twice(name: str, tmp_path: Path) -> None:
    task = BUILT_TASKS[name]
    for folder in ("a", "b"):
        build(task, tmp_path / folder, train=20, test=20)
    for file in ("data/train.jsonl", "data/test.jsonl", "answers.jsonl", "task.yaml"):
        assert (tmp_path / "a" / file).read_bytes() == (tmp_path / "b" / file).read_bytes()
