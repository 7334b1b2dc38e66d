"""Look into an answer store, without a teacher.

python -m dsbs.answers count --store runs/cqa-palm/answers.sqlite
python -m dsbs.answers list --store runs/cqa-palm/answers.sqlite --failed
python -m dsbs.answers export --store runs/cqa-palm/answers.sqlite --out answers.jsonl
python -m dsbs.answers reparse --store runs/cqa-palm/answers.sqlite --task mytask.yaml
"""

from collections.abc import Iterator
from itertools import chain, islice

from dsbs.artifacts.answer_export import write_json_lines, write_parquet
from dsbs.artifacts.answer_store import AnswerStore
from dsbs.artifacts.results.answers import (
    AnswerList,
    ExportedAnswers,
    ReparsedRun,
    ReparsedRuns,
    StoreCounts,
    StoredAnswer,
    TeacherCounts,
)
from dsbs.cli.stage import Stage, StageGroup
from dsbs.config.answers import (
    AnswersCountConfig,
    AnswersExportConfig,
    AnswersListConfig,
    AnswersReparseConfig,
)
from dsbs.core.errors import InputError
from dsbs.core.tables import percent, span, table
from dsbs.labeling.aggregate import Reading, read_answers, write_dataset
from dsbs.metrics.collapse import say_notices
from dsbs.tasks.prompts import load_task
from dsbs.tasks.task import Task

_TEXT_SHOWN = 80


def count(config: AnswersCountConfig) -> StoreCounts:
    """Answers, failures and tokens of each teacher, and the run folders that asked."""
    with AnswerStore(config.store, readonly=True) as store:
        runs = [str(store.run_folder(run)) for run in store.find_runs(config.run)]
        return StoreCounts(store=str(config.store), teachers=store.counts(), runs=runs)


def show_count(counts: StoreCounts) -> str:
    """One line per teacher."""
    columns = list(TeacherCounts.model_fields)
    rows = [[getattr(teacher, column) for column in columns] for teacher in counts.teachers]
    heads = [column.replace("_", " ") for column in columns]
    return "\n".join([table(heads, rows), *(f"run: {run}" for run in counts.runs)])


def list_(config: AnswersListConfig) -> AnswerList:
    """The first requests with their answers."""
    with AnswerStore(config.store, readonly=True) as store:
        rows = (row for row in _rows(store, config.run) if row.error or not config.failed)
        return AnswerList(store=str(config.store), answers=list(islice(rows, config.limit)))


def show_list(found: AnswerList) -> str:
    """A table, texts cut to a line."""
    rows = [
        [
            row.id,
            row.split,
            row.sample,
            "failed" if row.error else "",
            _line(row.error or row.text),
        ]
        for row in found.answers
    ]
    return table(["id", "split", "sample", "", "text"], rows)


def export(config: AnswersExportConfig) -> ExportedAnswers:
    """Write every answer; failed requests have none. Both kinds of file have the same rows.

    Raises InputError for a file of another kind.
    """
    writers = {".parquet": write_parquet, ".jsonl": write_json_lines}
    write = writers.get(config.out.suffix)
    if write is None:
        raise InputError(
            "--out", got=config.out.name, expected="a .parquet or .jsonl file", fix="name one"
        )
    with AnswerStore(config.store, readonly=True) as store:
        pages = chain.from_iterable(map(store.exported, store.find_runs(config.run)))
        rows = write(pages, config.out)
    return ExportedAnswers(store=str(config.store), out=str(config.out), rows=rows)


def show_export(exported: ExportedAnswers) -> str:
    """One line."""
    return f"{exported.rows:,} answers in {exported.out}"


def reparse(config: AnswersReparseConfig) -> ReparsedRuns:
    """What `generate` would find in the stored answers now."""
    reading = Reading(max_rationale_words=config.max_rationale_words)
    found = {}
    with AnswerStore(config.store, readonly=True) as store:
        for run in store.find_runs(config.run):
            task = load_task(config.task) if config.task else _task_of(store, run)
            splits = write_dataset(read_answers(store, run, task, reading), task, None)
            found[str(store.run_folder(run))] = ReparsedRun(task=task.name, splits=splits)
            say_notices(notice for split in splits.values() for notice in split.notices)
    return ReparsedRuns(store=str(config.store), runs=found)


def show_reparse(found: ReparsedRuns) -> str:
    """Outcomes and accuracy of every run and split."""
    rows = [
        [
            run,
            name,
            split.rows,
            ", ".join(f"{outcome} {count:,}" for outcome, count in split.outcomes.items()),
            percent(split.teacher_accuracy),
            span(split.teacher_ci95),
        ]
        for run, parsed in found.runs.items()
        for name, split in parsed.splits.items()
    ]
    return table(["run", "split", "rows", "outcomes", "teacher accuracy", "95 %"], rows)


def _task_of(store: AnswerStore, run: str) -> Task:
    return Task.model_validate_json(store.definition(run) or "")


def _rows(store: AnswerStore, run_folder: str | None) -> Iterator[StoredAnswer]:
    for run in store.find_runs(run_folder):
        folder = str(store.run_folder(run))
        for asked, completion in store.answers(run, "answer"):
            example = asked.example
            yield StoredAnswer(
                id=example.id,
                run=folder,
                split=example.split,
                sample=asked.sample,
                input=example.input,
                gold=example.gold,
                text=completion.text,
                reasoning=completion.reasoning,
                finish_reason=completion.finish_reason,
                prompt_tokens=completion.prompt_tokens,
                completion_tokens=completion.completion_tokens,
                error=completion.error,
                key=asked.key,
            )


def _line(text: str) -> str:
    return " ".join(text.split())[:_TEXT_SHOWN]


STAGE = StageGroup(
    "answers",
    "Look into an answer store: count, list, export and re-parse, without a teacher.",
    (
        Stage("answers count", AnswersCountConfig, count, show_count),
        Stage("answers list", AnswersListConfig, list_, show_list),
        Stage("answers export", AnswersExportConfig, export, show_export),
        Stage("answers reparse", AnswersReparseConfig, reparse, show_reparse),
    ),
)

if __name__ == "__main__":
    STAGE.main()
