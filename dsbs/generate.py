"""Have a teacher answer the inputs of a task.

    python -m dsbs.generate --task cqa --data published/ --teacher published --out runs/cqa-palm
    python -m dsbs.generate --task mytask.yaml --data rows.csv --answers-from answers.jsonl --max-rows 30 --show

Leaves a run folder: answers.sqlite (every completion, kept for ever), data/<split>.parquet, README.md, manifest.json.
"""

import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from dsbs import duplicates, trust
from dsbs.cli import Stage
from dsbs.config import GenerateConfig
from dsbs.data import TaskData, extra_examples, extra_files, load_data, overlap
from dsbs.dataset import AnswerWriter, write_card
from dsbs.errors import InputError
from dsbs.labelling import answer_all
from dsbs.outcomes import SplitSummary
from dsbs.parsing import parse_answer
from dsbs.progress import Progress
from dsbs.prompting import find_file, load_task, prompt_prefix, render_prompt
from dsbs.records import Example, Split
from dsbs.rundir import open_run
from dsbs.store import AnswerStore
from dsbs.tables import percent, table
from dsbs.tasks import Task
from dsbs.teachers.protocol import Prompt
from dsbs.teachers.published import PublishedTeacher, read_json_lines, read_release

STORE = "answers.sqlite"


def generate(config: GenerateConfig) -> dict[str, Any]:
    """Answer every row that the configuration names, and write the data set of answers.

    Running again asks only for what is missing. Returns `splits` (a `SplitSummary` each), `overlap`, and how many answers
    were `reused`, `new` and `failed`. InputError for bad input; committed answers stay whatever happens.
    """
    task = load_task(config.task)
    data = load_data(task, config.data, split_seed=config.split_seed)
    teacher = _published(task, config, data)
    examples = _examples(task, config, data, teacher)
    out = config.out or Path("runs") / f"{task.name}-{config.teacher}-{config.slug()}"
    task_file = find_file(config.task, "prompts").resolve()
    extra = [file for _, file in extra_files(config.extra_unlabelled)]
    inputs = [task_file, *data.files, *extra, *teacher.files]
    run = open_run(out, "generate", config, inputs, refresh=True, task_file=str(task_file))
    store = AnswerStore(out / STORE)
    prefix = prompt_prefix(task)
    task_hash = hashlib.sha256(task.model_dump_json().encode()).hexdigest()[:16]
    store.define(task_hash, task.model_dump_json())
    with Progress("generate", len(examples)) as progress:
        counts = answer_all(
            examples,
            teacher,
            store,
            run=str(out.resolve()),
            task=task_hash,
            prompt_of=lambda example: Prompt(teacher.key(example.id), render_prompt(task, example, prefix)),
            progress=progress,
        )
    results = {"out": str(out), "task": task.name, "teacher": teacher.name, **vars(counts), "overlap": _overlaps(data)}
    found = duplicates.find_duplicates(data.splits.get("train", ()), data.splits.get("test", ()), config.duplicates)
    results |= {"duplicates": found}
    results |= _write_dataset(store, out, task, prefix if config.show else None)
    card = write_card(out, task=task.title or task.name, licence=task.licence, source=task.source, results=results)
    store.close()
    run.done(results, [card, *sorted(out.glob("data/*.parquet"))])
    return results


def show(results: Mapping[str, Any]) -> str:
    """Outcomes and teacher accuracy as tables, with an example of everything that was not ok."""
    columns = ["split", "rows", "ok", "other outcomes", "teacher accuracy", "by the published rule", "rationale words"]
    rows, lines = [], []
    for name, split in results["splits"].items():
        others = {outcome: count for outcome, count in split["outcomes"].items() if outcome != "ok"}
        accuracy = [_accuracy(split, suffix) for suffix in ("", "_strict")]
        words = split["rationale_words"].get("mean")
        shown = ", ".join(f"{outcome} {count:,}" for outcome, count in others.items()) or "none"
        rows.append([name, split["rows"], split["outcomes"].get("ok", 0), shown, *accuracy, words])
        lines += [f"  {outcome}: {e['id']}: {e['said'][:100]!r}" for outcome, es in split["examples"].items() for e in es[:1]]
    text = [table(columns, rows, title=f"{results['teacher']} on {results['task']}")]
    text += ["examples of what was not ok:", *lines] if lines else []
    text += trust.describe(results["splits"])
    text += [f"overlap: {count:,} inputs of {pair} alike" for pair, count in results["overlap"].items() if count]
    text += duplicates.describe(results["duplicates"])
    text += [_side_by_side(shown) for shown in results.get("shown", ())]
    failed = f", {results['failed']:,} failed" if results["failed"] else ""
    text.append(f"{results['reused']:,} answers reused, {results['new']:,} new{failed}; all in {results['out']}")
    return "\n".join(text)


def _published(task: Task, config: GenerateConfig, data: TaskData) -> PublishedTeacher:
    """Published answers: those named by --answers-from, else those beside the data in the release's layout."""
    source = config.answers_from or (data.files[0].parent / "llm" if data.files else None)
    if source is not None and source.is_file():
        return read_json_lines(source)
    if source is None or not source.is_dir() or task.release is None:
        raise InputError(
            "--answers-from",
            got=source or "nothing",
            expected="answers as JSON lines, or a release's llm/ folder beside the data",
            fix="name the file or folder of the published answers",
        )
    wanted = config.splits or tuple(data.splits)
    ids = {data.parts[split]: [e.id for e in data.splits[split]] for split in wanted if split in data.parts}
    return read_release(source, task.release.rows_per_chunk, ids)


def _examples(task: Task, config: GenerateConfig, data: TaskData, teacher: PublishedTeacher) -> list[Example]:
    """The rows to answer, split by split; without --splits those of which anything is published."""
    splits: dict[Split, Sequence[Example]] = {**data.splits}
    if extra := extra_examples(task, config.extra_unlabelled):
        splits["extra"] = extra
    for split in config.splits:
        if split not in splits:
            raise InputError("--splits", got=repr(split), expected=f"one of {', '.join(splits)}", fix="the data has no other")
    wanted = config.splits or [s for s, rows in splits.items() if any(e.id in teacher.texts for e in rows)]
    if not wanted:
        got = f"ids like {next(iter(teacher.texts), 'none')!r}"
        expected = f"ids like {next(iter(splits.values()))[0].id!r}"
        raise InputError("--answers-from", got=got, expected=expected, fix="name the data's id column in the prompt file")
    return [example for split in wanted for example in splits[split][: config.max_rows]]


def _overlaps(data: TaskData) -> dict[str, int]:
    """How many inputs of one split stand in another as well, word for word."""
    names = [name for name in ("train", "validation", "test") if name in data.splits]
    pairs = [(a, b) for at, a in enumerate(names) for b in names[at + 1 :]]
    return {f"{a} and {b}": len(overlap(data.splits[b], data.splits[a])) for a, b in pairs}  # type: ignore[index]


def _write_dataset(store: AnswerStore, out: Path, task: Task, prefix: str | None) -> dict[str, Any]:
    """Read every answer of the run from the store, parse it, and write it down; with a prefix also the prompts."""
    writer, summaries, shown = AnswerWriter(out), dict[str, SplitSummary](), []
    for asked, completion in store.answers(str(out.resolve())):
        example = asked.example
        answer = parse_answer(task, example, completion)
        correct = summaries.setdefault(example.split, SplitSummary(task)).add(example, completion, answer)
        writer.add(example, completion, answer, correct)
        if prefix is not None:
            prompt = render_prompt(task, example, prefix)
            facts = {"outcome": answer.outcome, "label": answer.label, "gold": example.gold, "correct": correct}
            shown.append({"id": example.id, "prompt": prompt, "completion": completion.text, **facts})
    writer.close()
    return {"splits": {split: s.results() for split, s in summaries.items()}} | ({"shown": shown} if shown else {})


def _accuracy(split: Mapping[str, Any], suffix: str) -> str:
    if not split["gold_rows"]:
        return "no gold labels"
    return f"{percent(split['teacher_accuracy' + suffix])} ({split['teacher_correct' + suffix]:,}/{split['gold_rows']:,})"


def _side_by_side(shown: Mapping[str, Any]) -> str:
    verdict = {True: "correct", False: "wrong", None: "no gold label"}[shown["correct"]]
    return "\n".join(
        [
            f"--- {shown['id']}: {shown['outcome']}, label {shown['label']!r}, gold {shown['gold']!r}, {verdict}",
            shown["prompt"] + "▸" + shown["completion"],
        ]
    )


STAGE = Stage("generate", GenerateConfig, generate, show)

if __name__ == "__main__":
    STAGE.main()
