"""The test questions of a comparison with everybody's answers, compressed for the page."""

import base64
import json
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow.parquet as pq

from dsbs.artifacts.answer_dataset import answer_batches
from dsbs.artifacts.manifest import read_manifest
from dsbs.core.errors import InputError
from dsbs.data.load import load_data
from dsbs.reporting.collected import Comparison
from dsbs.tasks.fingerprint import input_hash
from dsbs.tasks.prompts import load_task

MOST_EXAMPLES = 20_000
"""With more, a browser would no longer open the page quickly. The page says how many are shown."""
_MOST_CHARS = 4000
"""Of an input or a rationale."""
_MOST_ANSWER_CHARS = 300
"""Of a student's output."""
_WRONG, _RIGHT, _UNREADABLE = "0", "1", "2"
_COLUMNS = ["example_id", "raw", "label", "gold", "correct", "input_hash"]


@dataclass(frozen=True)
class Examples:
    """The test questions with all answers."""

    data: str
    """Compressed JSON as base64.

    It holds columns: `ids`, `inputs`, `golds`; the teacher's `label`, `rationale`, `outcome` and
    `verdicts`; and per student `name`, `verdicts` and `answers`, which are places in `words`. A
    verdict is 0 wrong, 1 right, 2 no readable label.
    """
    shown: int
    total: int
    has_texts: bool
    """False if neither the answers nor the data are where they were."""
    changed: int
    """Questions without text and teacher's answer, because those found are of another input."""


class _Asked(NamedTuple):
    """A test question and the teacher's answer to it; empty where nothing is known."""

    input: str = ""
    label: str | None = None
    rationale: str | None = None
    outcome: str | None = None
    correct: bool | None = None
    input_hash: str | None = None


def packed_examples(comparison: Comparison) -> Examples | None:
    """The questions and answers of a comparison; None if no student has predictions."""
    files = {s.name: s.predictions for s in comparison.students if s.predictions}
    if not files:
        return None
    first = _predictions(next(iter(files.values())))
    ids: list[str] = first["example_id"][:MOST_EXAMPLES]
    asked = _asked(comparison.answers)
    measured = zip(ids, first["input_hash"], strict=False)
    rows = [_same_input(asked.get(identity), predicted) for identity, predicted in measured]
    changed = sum(identity in asked for identity in ids) - sum(bool(row.input_hash) for row in rows)
    words: dict[str, int] = {}
    found = {
        "ids": ids,
        "inputs": [_cut(row.input, _MOST_CHARS) for row in rows],
        "golds": [gold or "" for gold in first["gold"][: len(ids)]],
        "teacher": _teacher(rows),
        "students": [_student(name, file, ids, words) for name, file in files.items()],
        "words": list(words),
    }
    text = json.dumps(found, ensure_ascii=False, separators=(",", ":")).encode()
    data = base64.b64encode(zlib.compress(text, 6)).decode()
    return Examples(data, len(ids), len(first["example_id"]), bool(asked), changed)


def _same_input(asked: _Asked | None, predicted: str | None) -> _Asked:
    """What was asked, where it is of the input that was predicted; else nothing."""
    return asked if asked and asked.input_hash == predicted else _Asked()


def _student(name: str, file: Path, ids: Sequence[str], words: dict[str, int]) -> dict[str, Any]:
    """The answers of one student; each text is stored once in `words`."""
    columns = _predictions(file)
    place = {identity: at for at, identity in enumerate(columns["example_id"])}
    answers = []
    verdicts = []
    for identity in ids:
        at = place.get(identity)
        label = None if at is None else columns["label"][at]
        raw = "" if at is None else columns["raw"][at]
        text = _cut(raw if label is None else label, _MOST_ANSWER_CHARS)
        answers.append(words.setdefault(text, len(words)))
        verdicts.append(_verdict(label, None if at is None else columns["correct"][at]))
    return {"name": name, "answers": answers, "verdicts": "".join(verdicts)}


def _teacher(rows: Sequence[_Asked]) -> dict[str, Any]:
    return {
        "label": [_cut(row.label or "", _MOST_CHARS) for row in rows],
        "rationale": [_cut(row.rationale or "", _MOST_CHARS) for row in rows],
        "outcome": [row.outcome or "" for row in rows],
        "verdicts": "".join(_verdict(row.label, row.correct) for row in rows),
    }


def _verdict(label: str | None, correct: bool | None) -> str:
    if label is None:
        return _UNREADABLE
    return _RIGHT if correct else _WRONG


def _asked(answers: Path | None) -> dict[str, _Asked]:
    """By example id: input and teacher's answer, or the input alone from the data.

    {} if both are gone.
    """
    if answers is None:
        return {}
    path = answers / "data" / "test.parquet"
    if path.is_file():
        batches = answer_batches(path, ["id", *_Asked._fields])
        rows = (row for batch in batches for row in batch.to_pylist())
        return {row.pop("id"): _Asked(**row) for row in rows}
    try:
        manifest = read_manifest(answers)
        task = load_task(str(manifest.task_place(answers)))
        seed = int(str(manifest.config.get("split_seed", 0)))
        skip = bool(manifest.config.get("skip_incomplete"))
        place = manifest.data_place(answers)
        data = load_data(task, place, split_seed=seed, skip_incomplete=skip)
    except InputError:
        return {}
    test = data.splits.get("test", ())
    return {e.id: _Asked(e.input, input_hash=input_hash(task, e)) for e in test}


def _predictions(path: Path) -> dict[str, list[Any]]:
    """The columns of a file of predictions."""
    return pq.read_table(path, columns=_COLUMNS).to_pydict()  # type: ignore[no-any-return]


def _cut(text: str, most: int) -> str:
    return text if len(text) <= most else text[:most] + "…"
