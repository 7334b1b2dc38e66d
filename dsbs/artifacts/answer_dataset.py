"""The data set that `generate` leaves: one Parquet file per split, with a card.

`datasets.load_dataset` reads it.
"""

import functools
import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Any, Self, cast

from dsbs.artifacts.results.generate import GenerateResult
from dsbs.core.errors import InputError
from dsbs.core.files import replacing, write_text
from dsbs.core.records import Answer, Completion, Example, LabelMatch, Outcome, Reason
from dsbs.tasks.fingerprint import input_hash
from dsbs.tasks.task import Task
from dsbs.tasks.traces import split_reasoning

_FOLDER = "data"
_ROWS_PER_WRITE = 1000
_OWN = "the user's own"

BELONGING = ("id", "input", "input_hash", "choices", "gold")
"""The columns that tie an answer to the row that it was made for."""


@functools.cache
def _schema() -> Any:
    import pyarrow as pa  # not above: --help shall not wait for it

    return pa.schema(
        {
            "id": pa.string(),
            "input": pa.string(),
            "input_hash": pa.string(),
            "choices": pa.list_(pa.string()),
            "gold": pa.string(),
            "rationale": pa.string(),
            "more_rationales": pa.list_(pa.string()),
            "label": pa.string(),
            "distribution": pa.string(),
            "outcome": pa.string(),
            "match": pa.string(),
            "reason": pa.string(),
            "tied": pa.bool_(),
            "correct": pa.bool_(),
            "completion": pa.string(),
            "reasoning": pa.string(),
            "finish_reason": pa.string(),
            "error": pa.string(),
        }
    )


class AnswerWriter:
    """Writes answers as they come. All files appear when the `with` block ends well."""

    def __init__(self, folder: Path, task: Task) -> None:
        self._task = task
        self._folder = folder / _FOLDER
        self._folder.mkdir(parents=True, exist_ok=True)
        self._files = ExitStack()
        self._writers: dict[str, Any] = {}
        self._rows: dict[str, list[dict[str, Any]]] = {}

    def add(
        self, example: Example, completion: Completion, answer: Answer, correct: bool | None
    ) -> None:
        """Add one answer."""
        rows = self._rows.setdefault(example.split, [])
        rows.append(_row(self._task, example, completion, answer, correct))
        if len(rows) >= _ROWS_PER_WRITE:
            self._write(example.split)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if kind is None:
            for split in self._rows:
                self._write(split)
        for writer in self._writers.values():
            writer.close()
        self._files.__exit__(kind, error, trace)

    def _write(self, split: str) -> None:
        import pyarrow as pa
        import pyarrow.parquet as pq

        if split not in self._writers:
            path = self._files.enter_context(replacing(self._folder / f"{split}.parquet"))
            self._writers[split] = pq.ParquetWriter(path, _schema())
        self._writers[split].write_table(pa.Table.from_pylist(self._rows[split], schema=_schema()))
        self._rows[split].clear()


def _row(
    task: Task, example: Example, completion: Completion, answer: Answer, correct: bool | None
) -> dict[str, Any]:
    shares = answer.distribution
    return {
        "id": example.id,
        "input": example.input,
        "input_hash": input_hash(task, example),
        "choices": list(example.choices),
        "gold": example.gold,
        "rationale": answer.rationale,
        "more_rationales": list(answer.more_rationales),
        "label": answer.label,
        "distribution": json.dumps(shares, ensure_ascii=False) if shares else None,
        "outcome": answer.outcome,
        "match": answer.match,
        "reason": answer.reason,
        "tied": answer.tied,
        "correct": correct,
        "completion": completion.text,
        "reasoning": completion.reasoning or split_reasoning(completion.text)[0] or None,
        "finish_reason": completion.finish_reason,
        "error": completion.error,
    }


def read_answers(folder: Path) -> dict[str, Answer]:
    """The answers of a generate run by example id.

    Raises InputError where its files are missing or broken.
    """
    try:
        return {row["id"]: _answer(row) for row in answer_rows(folder)}
    except (ValueError, TypeError, RecursionError) as error:
        fix = "run dsbs generate again"
        raise InputError(folder, got=error, expected="answers of dsbs", fix=fix) from None


def answer_files(folder: Path) -> list[Path]:
    """The Parquet files of a generate run. Raises InputError where it has none."""
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
    for path in answer_files(folder):
        for batch in answer_batches(path, _schema().names):
            yield from batch.to_pylist()


def answer_batches(path: Path, columns: Sequence[str]) -> Iterator[Any]:
    """Some columns of one split as Arrow record batches, so that memory does not grow with rows.

    Raises InputError where the file is broken or lacks one of them.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    fix = f"run dsbs generate again with --out {path.parent.parent}; it asks for nothing twice"
    try:
        file = pq.ParquetFile(path)
        lacking = [name for name in columns if name not in file.schema_arrow.names]
        if lacking:
            got = f"no column {lacking[0]}"
            raise InputError(path, got=got, expected="answers of this version of dsbs", fix=fix)
        for batch in file.iter_batches(batch_size=_ROWS_PER_WRITE, columns=list(columns)):
            batch.validate(full=True)  # damaged text too
            yield batch
    except (OSError, pa.ArrowException) as error:
        raise InputError(path, got=error, expected="answers of dsbs", fix=fix) from None


def write_card(folder: Path, *, task: str, licence: str, source: str, made: GenerateResult) -> Path:
    """Write README.md in the hub's form: which file is which split, and what is in it."""
    files = [f"  - split: {name}\n    path: {_FOLDER}/{name}.parquet" for name in made.splits]
    rows = [
        f"| {name} | {split.rows} | {split.outcomes.get('ok', 0)} |"
        for name, split in made.splits.items()
    ]
    lines = [
        "---",
        "configs:",
        "- config_name: default",
        "  data_files:",
        *files,
        "tags: [distillation, rationales, dsbs]",
        "---",
        f"# Answers of {made.teacher} to {task}",
        "",
        "Rationales and labels that a teacher gave. `dsbs generate` made this data set, as "
        "`manifest.json` states. `outcome` tells which parts of an answer can be used: train on a "
        "label where it is `ok` or `empty_rationale`, on a rationale where it is `ok` or "
        "`label_not_allowed`. `input_hash` stands for the row's fields and choices that were read.",
        "",
        f"Inputs: {source or _OWN}. Licence: {licence or _OWN}. "
        "The teacher's terms of use apply as well.",
        "",
        "| split | rows | ok |",
        "|---|---|---|",
        *rows,
    ]
    path = folder / "README.md"
    write_text(path, "\n".join(lines) + "\n")
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
        bool(row.get("tied")),
    )
