"""A small task of a user's own, with a teacher's answers."""

import json
from pathlib import Path
from typing import Any

FARM = """\
name: farm
version: 1
label: {kind: class, labels: [bird, mammal]}
input: "{{ animal }} {{ sound }}"
prompt:
  question: "Animal: {{ input }}\\nAnswer:"
  answer: " {{ rationale }} So it is a {{ label }}."
  stop: ["\\n\\n"]
answer: {marker: So it is a, ends: ["Animal:"]}
demonstrations:
  - {animal: hen, sound: clucks, rationale: It lays eggs., label: bird}
  - {animal: cow, sound: moos, rationale: It gives milk., label: mammal}
columns: {fields: {animal: animal, sound: sound}, gold: kind}
"""

ANIMALS = {
    "bird": ["duck", "goose", "owl", "crow", "swan", "robin", "finch", "stork"],
    "mammal": ["pig", "goat", "sheep", "horse", "dog", "cat", "rat", "bat"],
}
REASONS = {"bird": "It has feathers.", "mammal": "It has fur."}


class Farm:
    """A small task of a user's own, in a folder: prompt file, CSV with labels, and a teacher's
    answers by content.
    """

    def __init__(self, folder: Path, *, sounds: int = 5) -> None:
        self.folder, self.task, self.data = folder, folder / "farm.yaml", folder / "rows.csv"
        self.answers = folder / "answers.jsonl"
        self.ids = False
        self.task.write_text(FARM)
        rows = [
            (a, f"says {n} times", kind)
            for n in range(sounds)
            for kind in ANIMALS
            for a in ANIMALS[kind]
        ]
        self.rows = [
            {"animal": animal, "sound": sound, "kind": kind} for animal, sound, kind in rows
        ]
        self.write(self.rows)
        self.answer()

    def write(self, rows: list[dict[str, str]]) -> None:
        lines = ["animal,sound,kind", *(f"{r['animal']},{r['sound']},{r['kind']}" for r in rows)]
        if self.ids:
            lines = [f"{at or 'id'},{line}" for at, line in enumerate(lines)]
        self.data.write_text("\n".join(lines) + "\n")

    def give_ids(self) -> None:
        """Give every row an id of its own, its number from 1 on, by which it is then answered."""
        self.ids = True
        self.task.write_text(self.task.read_text().replace("gold: kind}", "gold: kind, id: id}"))
        self.write(self.rows)
        self.answer()

    def answer(self) -> None:
        from dsbs.data.load import load_data
        from dsbs.tasks.prompts import load_task

        kind_of = {animal: kind for kind, animals in ANIMALS.items() for animal in animals}
        examples = [
            e
            for rows in load_data(load_task(str(self.task)), self.data).splits.values()
            for e in rows
        ]
        kinds = [(e.id, kind_of[e.fields["animal"]]) for e in examples]
        texts = [{"id": i, "text": f" {REASONS[kind]} So it is a {kind}."} for i, kind in kinds]
        self.answers.write_text("\n".join(map(json.dumps, texts)) + "\n")

    def generate(self, **settings: Any) -> dict[str, Any]:
        from dsbs import api

        given = {
            "task": str(self.task),
            "data": self.data,
            "answers_from": self.answers,
            "out": self.folder / "answered",
        }
        return api.generate(**(given | settings))
