"""A task of random words, whose rows are no near-duplicates of each other, with a student."""

import json
import random
from pathlib import Path
from typing import Any

TASK = """\
name: signals
version: 1
label: {kind: class, labels: [stop, go]}
input: "{{ text }}"
prompt:
  question: "Signal: {{ input }}\\nAnswer:"
  answer: " {{ rationale }} So it is {{ label }}."
  stop: ["\\n\\n"]
answer: {marker: So it is, ends: ["Signal:"]}
demonstrations:
  - {text: red lamp, rationale: Red means stop., label: stop}
  - {text: green lamp, rationale: Green means go., label: go}
columns: {fields: {text: text}, gold: kind}
"""
MEANING = {"red": "stop", "green": "go"}


class Signals:
    """Rows of random words, one of which decides the label, with a teacher's answers."""

    def __init__(self, folder: Path, *, rows: int) -> None:
        self.folder = folder
        self.task = folder / "signals.yaml"
        self.data = folder / "rows.jsonl"
        self.task.write_text(TASK)
        self.write(self.data, self.made(rows))

    def made(self, count: int, *, seed: int = 0) -> list[dict[str, str]]:
        """Rows of this seed."""
        drawn = random.Random(seed)
        rows = []
        for _ in range(count):
            color = drawn.choice(list(MEANING))
            words = ["".join(drawn.choices("abcdefgh", k=4)) for _ in range(5)]
            rows.append({"text": " ".join([color, *words]), "kind": MEANING[color]})
        return rows

    def write(self, path: Path, rows: list[dict[str, str]]) -> None:
        path.write_text("".join(f"{json.dumps(row)}\n" for row in rows))

    def generate(self, data: Path, out: Path, *, leave_out: int = 0) -> None:
        """Published answers to all rows of a file but the last few."""
        from dsbs import api
        from dsbs.data.load import load_data
        from dsbs.tasks.prompts import load_task

        splits = load_data(load_task(str(self.task)), data).splits.values()
        examples = [example for rows in splits for example in rows]
        texts = [
            {"id": e.id, "text": f" It is so. So it is {MEANING[e.input.split()[0]]}."}
            for e in examples[: len(examples) - leave_out]
        ]
        answers = self.folder / f"{out.name}.jsonl"
        answers.write_text("\n".join(map(json.dumps, texts)) + "\n")
        splits_flag = "train,validation,test"
        api.generate(
            task=str(self.task), data=data, answers_from=answers, out=out, splits=splits_flag
        )

    def train(self, name: str, **settings: Any) -> Path:
        """A student that has hardly learned."""
        from dsbs import api

        out = self.folder / name
        given = {"answers": self.folder / "answered", "out": out, "decode": "score"}
        short = {"max_steps": 2, "eval_every": 2, "batch_size": 4, "method": "standard"}
        api.train(**(given | short | settings))
        return out
