"""Look into an answer store, without a teacher.

python -m dsbs.answers count --store runs/cqa-palm/answers.sqlite
python -m dsbs.answers list --store runs/cqa-palm/answers.sqlite --failed
python -m dsbs.answers export --store runs/cqa-palm/answers.sqlite --out answers.jsonl
python -m dsbs.answers reparse --store runs/cqa-palm/answers.sqlite --task mytask.yaml
"""

import json
from collections.abc import Iterator, Mapping
from itertools import islice
from pathlib import Path
from typing import Any

from dsbs.artifacts.answer_store import AnswerStore
from dsbs.cli.stage import Stage, StageGroup
from dsbs.config.answers import (
    AnswersCountConfig,
    AnswersExportConfig,
    AnswersListConfig,
    AnswersReparseConfig,
    StoreConfig,
)
from dsbs.core.errors import InputError, nearest
from dsbs.core.iteration import batched
from dsbs.core.tables import percent, table
from dsbs.labeling.aggregate import Reading, read_answers, write_dataset
from dsbs.tasks.prompts import load_task
from dsbs.tasks.task import Task

_TEXT_SHOWN = 80


def count(config: AnswersCountConfig) -> dict[str, Any]:
    """`teachers`: answers, failures and tokens of each; `runs`: the run folders that asked."""
    with AnswerStore(config.store, readonly=True) as store:
        return {"store": str(config.store), "teachers": store.counts(), "runs": store.runs()}


def show_count(results: Mapping[str, Any]) -> str:
    """One line a teacher."""
    columns = [
        "teacher",
        "answers",
        "failed",
        "prompt_tokens",
        "cached_tokens",
        "completion_tokens",
    ]
    rows = [[teacher[column] for column in columns] for teacher in results["teachers"]]
    return "\n".join(
        [
            table([c.replace("_", " ") for c in columns], rows),
            *(f"asked by {run}" for run in results["runs"]),
        ]
    )


def list_(config: AnswersListConfig) -> dict[str, Any]:
    """`answers`: the first rows as {run, id, split, sample, text, error}."""
    with AnswerStore(config.store, readonly=True) as store:
        rows = (row for row in _rows(store, config) if row["error"] or not config.failed)
        return {"store": str(config.store), "answers": list(islice(rows, config.limit))}


def show_list(results: Mapping[str, Any]) -> str:
    """A table, texts cut to a line."""
    rows = [
        [
            row["id"],
            row["split"],
            row["sample"],
            "failed" if row["error"] else "",
            _line(row["error"] or row["text"]),
        ]
        for row in results["answers"]
    ]
    return table(["id", "split", "sample", "", "text"], rows)


def export(config: AnswersExportConfig) -> dict[str, Any]:
    """Write every answer, in the same rows to either kind of file; returns how many. Failed requests have none.

    JSON lines can be read again by `generate --answers-from`. InputError for a file of another kind.
    """
    if config.out.suffix not in (".parquet", ".jsonl"):
        raise InputError(
            "--out", got=config.out.name, expected="a .parquet or .jsonl file", fix="name one"
        )
    with AnswerStore(config.store, readonly=True) as store:
        answered = (row for row in _rows(store, config) if row.pop("error") is None)
        write = _write_parquet if config.out.suffix == ".parquet" else _write_json_lines
        return {
            "store": str(config.store),
            "out": str(config.out),
            "rows": write(answered, config.out),
        }


def reparse(config: AnswersReparseConfig) -> dict[str, Any]:
    """The results of each split, as `generate` would give them with this task file now."""
    with AnswerStore(config.store, readonly=True) as store:
        found = {}
        for run in _runs(store, config):
            task = (
                load_task(config.task)
                if config.task
                else Task.model_validate_json(store.definition(run) or "")
            )
            reading = Reading(max_rationale_words=config.max_rationale_words)
            found[run] = {
                "task": task.name,
                "splits": write_dataset(read_answers(store, run, task, reading), task, None),
            }
    return {"store": str(config.store), "runs": found}


def show_reparse(results: Mapping[str, Any]) -> str:
    """Outcomes and accuracy of every run and split."""
    rows = [
        [
            run,
            name,
            split["rows"],
            _counts(split["outcomes"]),
            percent(split.get("teacher_accuracy")),
        ]
        for run, found in results["runs"].items()
        for name, split in found["splits"].items()
    ]
    return table(["run", "split", "rows", "outcomes", "teacher accuracy"], rows)


def _runs(store: AnswerStore, config: StoreConfig) -> list[str]:
    runs = store.runs()
    if config.run is None:
        return runs
    run = str(Path(config.run).resolve())
    if run not in runs:
        raise InputError(
            "--run", got=config.run, expected="a run that asked this store", fix=nearest(run, runs)
        )
    return [run]


def _rows(store: AnswerStore, config: StoreConfig) -> Iterator[dict[str, Any]]:
    for run in _runs(store, config):
        for asked, said in store.answers(run, "answer"):
            example = asked.example
            yield {
                "id": example.id,
                "run": run,
                "split": example.split,
                "sample": asked.sample,
                "input": example.input,
                "gold": example.gold,
                "text": said.text,
                "reasoning": said.reasoning,
                "finish_reason": said.finish_reason,
                "prompt_tokens": said.prompt_tokens,
                "completion_tokens": said.completion_tokens,
                "error": said.error,
                "key": asked.key,
            }


def _write_json_lines(rows: Iterator[dict[str, Any]], path: Path) -> int:
    count = 0
    with path.open("w", encoding="utf-8") as file:
        for row in rows:
            file.write(json.dumps(row, ensure_ascii=False) + "\n")
            count += 1
    return count


def _write_parquet(rows: Iterator[dict[str, Any]], path: Path) -> int:
    import pyarrow as pa  # not above: --help shall not wait for it
    import pyarrow.parquet as pq

    numbers = ("sample", "prompt_tokens", "completion_tokens")
    writer, count = None, 0
    for batch in batched(rows, 1000):
        if writer is None:
            schema = pa.schema(
                [(name, pa.int64() if name in numbers else pa.string()) for name in batch[0]]
            )
            writer = pq.ParquetWriter(path, schema)
        writer.write_table(pa.Table.from_pylist(batch, schema=writer.schema))
        count += len(batch)
    if writer is not None:
        writer.close()
    return count


def _counts(outcomes: Mapping[str, int]) -> str:
    return ", ".join(f"{name} {count:,}" for name, count in outcomes.items())


def _line(text: str) -> str:
    return " ".join(text.split())[:_TEXT_SHOWN]


STAGE = StageGroup(
    "answers",
    "Look into an answer store: count, list, export and re-parse, without a teacher.",
    (
        Stage("answers count", AnswersCountConfig, count, show_count),
        Stage("answers list", AnswersListConfig, list_, show_list),
        Stage(
            "answers export",
            AnswersExportConfig,
            export,
            lambda results: f"{results['rows']:,} answers in {results['out']}",
        ),
        Stage("answers reparse", AnswersReparseConfig, reparse, show_reparse),
    ),
)

if __name__ == "__main__":
    STAGE.main()
