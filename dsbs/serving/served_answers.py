"""The answer store as the run of a server uses it."""

import hashlib
from pathlib import Path

from dsbs.artifacts.answer_store import AnswerStore
from dsbs.artifacts.store_queries import Asked
from dsbs.core.records import Completion, Example
from dsbs.tasks.task import Task


class ServedAnswers:
    """Answers that are there, and requests that are written down before they are sent."""

    def __init__(self, store: AnswerStore, run: Path, task: Task) -> None:
        self.store = store
        self._run = store.run_name(run)
        definition = task.model_dump_json()
        self._task = hashlib.sha256(definition.encode()).hexdigest()[:16]
        store.define(self._task, definition)
        self._position = store.next_position(self._run)

    def find(self, key: str, example: Example) -> Completion | None:
        """The answer that is there; else the request is written down and claimed."""
        if (kept := self.store.completion(key)) is not None:
            return kept
        asked = Asked(self._position, "answer", 0, key, example)
        self._position += 1
        self.store.ask(self._run, self._task, [asked])
        return None

    def keep(self, teacher: str, completion: Completion) -> Completion:
        """Commit an answer, and return it as it was kept."""
        (kept,) = self.store.keep(teacher, [completion])
        return kept
