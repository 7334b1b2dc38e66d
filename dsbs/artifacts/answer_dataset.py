"""The data set that `generate` leaves: one Parquet file a split, readable by `datasets.load_dataset`, with a card."""

import functools
import json
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, cast

from dsbs.core.errors import InputError
from dsbs.core.records import Answer, Completion, Example, LabelMatch, Outcome, Reason
from dsbs.tasks.traces import split_reasoning

_FOLDER = "data"
_ROWS_PER_WRITE = 1000


@functools.cache
def _schema() -> Any:
    import pyarrow as pa  # not above: --help shall not wait for it

    return pa.schema(
        {
            "id": pa.string(),
            "input": pa.string(),
            "choices": pa.list_(pa.string()),
            "gold": pa.string(),
            "rationale": pa.string(),
            "more_rationales": pa.list_(pa.string()),
            "label": pa.string(),
            "distribution": pa.string(),
            "outcome": pa.string(),
            "match": pa.string(),
            "reason": pa.string(),
            "correct": pa.bool_(),
            "completion": pa.string(),
            "reasoning": pa.string(),
            "finish_reason": pa.string(),
            "error": pa.string(),
        }
    )


class AnswerWriter:
    """Writes answers as they come, split by split; `close` puts the files in place, all or none of a split."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder / _FOLDER
        self._folder.mkdir(parents=True, exist_ok=True)
        self._writers: dict[str, Any] = {}
        self._rows: dict[str, list[dict[str, Any]]] = {}

    def add(
        self, example: Example, completion: Completion, answer: Answer, correct: bool | None
    ) -> None:
        """Queue one answer."""
        rows = self._rows.setdefault(example.split, [])
        rows.append(
            {
                "id": example.id,
                "input": example.input,
                "choices": list(example.choices),
                "gold": example.gold,
                "rationale": answer.rationale,
                "more_rationales": list(answer.more_rationales),
                "label": answer.label,
                "distribution": json.dumps(answer.distribution, ensure_ascii=False)
                if answer.distribution
                else None,
                "outcome": answer.outcome,
                "match": answer.match,
                "reason": answer.reason,
                "correct": correct,
                "completion": completion.text,
                "reasoning": completion.reasoning or split_reasoning(completion.text)[0] or None,
                "finish_reason": completion.finish_reason,
                "error": completion.error,
            }
        )
        if len(rows) >= _ROWS_PER_WRITE:
            self._write(example.split)

    def close(self) -> list[Path]:
        """Finish the files and return them."""
        paths = []
        for split in self._rows:
            self._write(split)
            self._writers[split].close()
            paths.append(self._partial(split).replace(self._folder / f"{split}.parquet"))
        return paths

    def _write(self, split: str) -> None:
        import pyarrow as pa
        import pyarrow.parquet as pq

        if split not in self._writers:
            self._writers[split] = pq.ParquetWriter(self._partial(split), _schema())
        self._writers[split].write_table(pa.Table.from_pylist(self._rows[split], schema=_schema()))
        self._rows[split].clear()

    def _partial(self, split: str) -> Path:
        return self._folder / f".{split}.parquet.partial"


def read_answers(folder: Path) -> dict[str, Answer]:
    """The answers of a generate run by example id. InputError where its files are missing or broken."""
    return {row["id"]: _answer(row) for row in answer_rows(folder)}


def answer_files(folder: Path) -> list[Path]:
    """The Parquet files of a generate run. InputError where it has none."""
    files = sorted((folder / _FOLDER).glob("*.parquet"))
    if not files:
        raise InputError(
            folder,
            got="no data/*.parquet",
            expected="a finished run of generate",
            fix="run dsbs generate",
        )
    return files


def answer_rows(folder: Path) -> Iterator[dict[str, Any]]:
    """The rows of every split, as written."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    for path in answer_files(folder):
        try:
            for batch in pq.ParquetFile(path).iter_batches(batch_size=_ROWS_PER_WRITE):
                yield from batch.to_pylist()
        except (OSError, pa.ArrowException) as error:
            raise InputError(
                path, got=error, expected="answers of dsbs", fix="run dsbs generate again"
            ) from None


def write_card(folder: Path, *, task: str, licence: str, source: str, results: Any) -> Path:
    """README.md in the hub's form: which file is which split, and how good the teacher was."""
    splits: Iterable[str] = results["splits"]
    files = "\n".join(f"  - split: {name}\n    path: {_FOLDER}/{name}.parquet" for name in splits)
    lines = [
        f"| {name} | {s['rows']} | {s['outcomes'].get('ok', 0)} |"
        for name, s in results["splits"].items()
    ]
    card = f"""---
configs:
- config_name: default
  data_files:
{files}
tags: [distillation, rationales, dsbs]
---
# Answers of {results["teacher"]} to {task}

Rationales and labels that a teacher gave, made by `dsbs generate`; `manifest.json` says how. `outcome` says which parts of
an answer are usable: train on a label where it is `ok` or `empty_rationale`, on a rationale where it is `ok` or
`label_not_allowed`.

Inputs: {source or "the user's own"}. Licence: {licence or "the user's own"}. The teacher's terms of use apply as well.

| split | rows | ok |
|---|---|---|
{chr(10).join(lines)}
"""
    path = folder / "README.md"
    path.write_text(card, encoding="utf-8")
    return path


def _answer(row: Mapping[str, Any]) -> Answer:
    return Answer(
        row["id"],
        cast(Outcome, row["outcome"]),
        row["rationale"],
        row["label"],
        cast(LabelMatch, row["match"]),
        json.loads(row["distribution"]) if row["distribution"] else None,
        tuple(row["more_rationales"]),
        cast(Reason | None, row["reason"]),
    )
