"""The examples of a comparison with everybody's answers, packed for the page."""

import base64
import json
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from dsbs.artifacts.manifest import read_manifest
from dsbs.core.errors import InputError
from dsbs.data.load import load_data
from dsbs.reporting.load_runs import Cell, Comparison
from dsbs.tasks.prompts import load_task

MOST_EXAMPLES, _MOST_CHARS, _MOST_ANSWER_CHARS = 20_000, 4000, 300
"""Beyond these the page would grow past what a browser opens quickly; what is left out is said."""
_WRONG, _RIGHT, _UNREADABLE = "0", "1", "2"


def packed_examples(comparison: Comparison) -> dict[str, Any] | None:
    """`data` (compressed JSON as base64) with how many examples are in it, and of how many; None without predictions.

    The JSON holds columns: `ids`, `inputs`, `golds`, the teacher's `labels`, `rationales`, `outcomes` and `verdicts`, and
    of each student `name`, `verdicts` and `answers`, which count through `words`. A verdict is 0 wrong, 1 right, 2 no
    readable label.
    """
    cells = [cell for cell in comparison.cells if cell.predictions is not None]
    if not cells:
        return None
    first = _columns(cells[0])
    ids = first["example_id"][:MOST_EXAMPLES]
    asked = _asked(comparison, ids)
    words: dict[str, int] = {}
    found = {
        "ids": ids,
        "inputs": [_cut(asked.get(i, {}).get("input") or "", _MOST_CHARS) for i in ids],
        "golds": [gold or "" for gold in first["gold"][: len(ids)]],
        "teacher": _teacher([asked.get(i, {}) for i in ids]),
        "students": [_student(cell, ids, words) for cell in cells],
        "words": list(words),
    }
    text = json.dumps(found, ensure_ascii=False, separators=(",", ":")).encode()
    packed = base64.b64encode(zlib.compress(text, 6)).decode()
    return {
        "data": packed,
        "shown": len(ids),
        "total": len(first["example_id"]),
        "texts": bool(asked),
    }


def _student(cell: Cell, ids: list[str], words: dict[str, int]) -> dict[str, Any]:
    columns = _columns(cell)
    rows = zip(
        columns["example_id"], columns["label"], columns["raw"], columns["correct"], strict=True
    )
    of = {
        i: (_cut(raw if label is None else label, _MOST_ANSWER_CHARS), label, right)
        for i, label, raw, right in rows
    }
    said = [of.get(i, ("", None, False)) for i in ids]
    answers = [words.setdefault(text, len(words)) for text, _, _ in said]
    verdicts = "".join(
        _UNREADABLE if label is None else _RIGHT if right else _WRONG for _, label, right in said
    )
    return {"name": cell.name, "answers": answers, "verdicts": verdicts}


def _teacher(rows: list[Mapping[str, Any]]) -> dict[str, Any]:
    verdicts = "".join(
        _UNREADABLE if row.get("label") is None else _RIGHT if row.get("correct") else _WRONG
        for row in rows
    )
    columns = {
        name: [_cut(row.get(name) or "", _MOST_CHARS) for row in rows]
        for name in ("label", "rationale", "outcome")
    }
    return {**columns, "verdicts": verdicts}


def _asked(comparison: Comparison, ids: list[str]) -> dict[str, dict[str, Any]]:
    """Input and teacher's answer by example id: from the answers, else the input alone from the data; {} if both are gone."""
    folder = comparison.answers
    if folder is None:
        return {}
    path = folder / "data" / "test.parquet"
    if path.is_file():
        columns = ["id", "input", "label", "rationale", "outcome", "correct"]
        return {row["id"]: row for row in pq.read_table(path, columns=columns).to_pylist()}
    try:
        manifest = read_manifest(folder)
        data, seed = manifest["config"]["data"], manifest["config"]["split_seed"]
        found = load_data(
            load_task(manifest["task_file"]),
            Path(data) if data else None,
            split_seed=seed,
            skip_incomplete=bool(manifest["config"].get("skip_incomplete")),
        )
    except InputError:
        return {}
    return {e.id: {"input": e.input} for e in found.splits.get("test", ())}


def _columns(cell: Cell) -> dict[str, list[Any]]:
    columns = ["example_id", "raw", "label", "gold", "correct"]
    return pq.read_table(cell.predictions, columns=columns).to_pydict()  # type: ignore[no-any-return]


def _cut(text: str, most: int) -> str:
    return text if len(text) <= most else text[:most] + "…"
