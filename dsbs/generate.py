"""Have a teacher answer the inputs of a task.

    python -m dsbs.generate
    python -m dsbs.generate --task cqa --data published/ --teacher published --out runs/cqa-palm
    python -m dsbs.generate --task cqa --data published/ --teacher vllm --model Qwen/Qwen2.5-7B-Instruct --out runs/cqa-qwen
    python -m dsbs.generate --task cqa --data published/ --teacher endpoint --base-url http://host:8000/v1 --model m --plan
    python -m dsbs.generate --task mytask.yaml --data rows.csv --answers-from answers.jsonl --max-rows 30 --show

Leaves a run folder: answers.sqlite (every completion, kept for ever), data/<split>.parquet, README.md, manifest.json.
"""

import contextlib
import hashlib
from collections.abc import Collection, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any

from dsbs.artifacts.answer_dataset import AnswerWriter, write_card
from dsbs.artifacts.answer_store import AnswerStore
from dsbs.artifacts.manifest import read_manifest
from dsbs.artifacts.results.generate import GenerateResult
from dsbs.artifacts.run_folder import Run, open_run
from dsbs.cli.stage import Stage
from dsbs.config.generate import GenerateConfig
from dsbs.core.errors import InputError
from dsbs.core.files import find_file
from dsbs.core.progress import Progress
from dsbs.core.records import Completion, Example
from dsbs.core.tables import percent, table
from dsbs.data import near_duplicates
from dsbs.data.load import extra_files, load_data, overlaps
from dsbs.labeling import rationale_checks
from dsbs.labeling.aggregate import Harvested, Reading, read_answers, write_dataset
from dsbs.labeling.budget import Limits, Spending
from dsbs.labeling.dry_run import plan_labelling, show_plan
from dsbs.labeling.requests import Asker, Style
from dsbs.labeling.runner import Labeller, Request
from dsbs.labeling.selection import published_teacher, rows_to_answer
from dsbs.tasks.parsing import parse_answer
from dsbs.tasks.prompts import load_task
from dsbs.tasks.task import Task
from dsbs.teachers.open import name_teacher, open_teacher
from dsbs.teachers.protocol import Prompt, Sampling, Teacher
from dsbs.teachers.published import PublishedTeacher

STORE, SERVER_LOG = "answers.sqlite", "server.log"


def generate(config: GenerateConfig) -> GenerateResult | dict[str, Any]:
    """Answer every row that the configuration names, and write the data set of answers.

    Running again asks only for what is missing. Returns `splits` (a `SplitSummary` each), `overlap`, how many answers were
    `reused`, `new` and `failed`, tokens, cost and time; `status` is "incomplete" where rows failed. With
    `plan` nothing is asked or written. InputError for bad input; committed answers stay whatever happens.
    """
    task = load_task(config.task)
    config = name_teacher(config, task)
    data = load_data(
        task,
        config.data,
        split_seed=config.split_seed,
        skip_incomplete=config.skip_incomplete,
    )
    published = published_teacher(task, config, data) if config.teacher == "published" else None
    examples = rows_to_answer(task, config, data, published)
    out = config.out or Path("runs") / f"{task.name}-{config.teacher}-{config.slug()}"
    if config.plan:
        return _plan(task, config, examples, out)
    task_file = find_file(config.task, "prompts").resolve()
    extra = [file for _, file in extra_files(config.extra_unlabelled)]
    inputs = [task_file, *data.files, *extra, *(published.files if published else ())]
    with open_run(
        out, GenerateResult, config, inputs, takes_new_inputs=True, task_file=task_file
    ) as run:
        known = {
            "out": str(out),
            "task": task.name,
            "overlap": overlaps(data),
            "skipped": data.skipped,
        }
        found = known | _answer(task, config, examples, published, run)
        train, test = data.splits.get("train", ()), data.splits.get("test", ())
        found["duplicates"] = near_duplicates.find_duplicates(train, test, config.duplicates)
        results = GenerateResult.model_validate(found)
        card = write_card(
            out,
            task=task.title or task.name,
            licence=task.licence,
            source=task.source,
            results=results,
        )
        run.finish(results, [card, *sorted(out.glob("data/*.parquet"))], results.status)
        return results


def show(results: Mapping[str, Any]) -> str:
    """Outcomes and teacher accuracy as tables, with an example of everything that was not ok."""
    if "plan" in results:
        return show_plan(results["plan"])
    columns = [
        "split",
        "rows",
        "ok",
        "other outcomes",
        "teacher accuracy",
        "by the published rule",
        "rationale words",
    ]
    rows, lines = [], []
    for name, split in results["splits"].items():
        others = {outcome: count for outcome, count in split["outcomes"].items() if outcome != "ok"}
        shown = ", ".join(
            f"{outcome} {count:,} ({percent(count / split['rows'])})"
            for outcome, count in others.items()
        )
        accuracy = [_accuracy(split, suffix) for suffix in ("", "_strict")]
        words = split["rationale_words"].get("mean")
        rows.append(
            [name, split["rows"], split["outcomes"].get("ok", 0), shown or "none", *accuracy, words]
        )
        lines += [
            f"  {kind}: {e['id']}: ...{e['said'][-100:]!r}"
            for kind, es in split["examples"].items()
            for e in es[:1]
        ]
    text = [table(columns, rows, title=f"{results['teacher']} on {results['task']}")]
    text += [
        _distributions(name, split)
        for name, split in results["splits"].items()
        if "entropy" in split
    ]
    text += ["examples of what was not ok:", *lines] if lines else []
    text += rationale_checks.describe(results["splits"])
    text += [
        f"overlap: {count:,} inputs of {pair} alike"
        for pair, count in results["overlap"].items()
        if count
    ]
    text += near_duplicates.describe(results["duplicates"])
    text += [_side_by_side(shown) for shown in results.get("shown", ())]
    text += [f"{count:,} failed: {reason}" for reason, count in results["failures"]]
    text += [f"stopped: {results['stopped']}"] if results["stopped"] else []
    return "\n".join([*text, f"{results['summary']}; all in {results['out']}"])


def _answer(
    task: Task,
    config: GenerateConfig,
    examples: Collection[Example],
    published: PublishedTeacher | None,
    run: Run[GenerateResult],
) -> dict[str, Any]:
    """Ask for what the store lacks, then write the data set of what it has."""
    sampling, name = _sampling(task, config), str(run.path.resolve())
    task_hash = hashlib.sha256(task.model_dump_json().encode()).hexdigest()[:16]
    opened = (
        contextlib.nullcontext(published)
        if published
        else open_teacher(config, sampling, log=run.path / SERVER_LOG)
    )
    with opened as teacher, AnswerStore(config.store or run.path / STORE) as store:
        assert teacher is not None
        if config.label_scores and teacher.chat:
            fix = "use --api completions"
            raise InputError(
                "--label-scores", got="a chat model", expected="one that continues text", fix=fix
            )
        asker = Asker(task, teacher, sampling, Style(config.zero_shot, config.rationalise))
        spending = Spending(
            _limits(config), config.max_new_tokens, total=len(examples) * config.samples
        )
        store.define(task_hash, task.model_dump_json())
        store.forget_asked(name)
        labeller = Labeller(
            store,
            teacher,
            spending,
            run=name,
            task=task_hash,
            progress_json=config.progress_json,
            is_bad=partial(_is_bad, task) if config.max_bad_answers is not None else None,
        )
        with Progress("generate", spending.total) as progress:
            labeller.label(_requests(examples, asker, config.samples, published), progress)
        if config.label_scores and not labeller.stopped:
            with Progress("score labels", len(examples)) as progress:
                labeller.label(_score_requests(task, config, store, name, asker), progress)
        reading = Reading(config.label_scores, config.keep_rationales, config.max_rationale_words)
        splits = write_dataset(
            read_answers(store, name, task, reading), task, AnswerWriter(run.path)
        )
        failures = store.failures(name)
        shown = (
            [_shown(asker, one) for one in read_answers(store, name, task, reading)]
            if config.show
            else []
        )
    status = "stopped" if labeller.stopped else "incomplete" if failures else "done"
    found = {
        "teacher": teacher.name,
        **spending.results(),
        "summary": spending.summary(),
        "splits": splits,
    }
    return (
        found
        | {"failures": failures, "stopped": labeller.stopped, "status": status}
        | ({"shown": shown} if shown else {})
    )


def _plan(
    task: Task, config: GenerateConfig, examples: Collection[Example], out: Path
) -> dict[str, Any]:
    if config.teacher == "published":
        raise InputError(
            "--plan",
            got="--teacher published",
            expected="a teacher that answers now",
            fix="leave out --plan",
        )
    sampling, path = _sampling(task, config), config.store or out / STORE
    store = AnswerStore(path, readonly=True) if path.is_file() else AnswerStore(Path(":memory:"))
    local = config.teacher in ("vllm", "ray", "transformers") or config.serve
    with (
        store,
        _planned(config)
        if local
        else open_teacher(config, sampling, log=out / SERVER_LOG) as teacher,
    ):
        plan = plan_labelling(
            task,
            examples,
            Asker(task, teacher, sampling, Style(config.zero_shot, config.rationalise)),
            teacher,
            store,
            samples=config.samples,
            limits=_limits(config),
            tokens_per_second=config.tokens_per_second or _measured_rate(out),
            scores_per_row=0
            if config.label_scores is None
            else config.samples
            if config.label_scores == "averaged"
            else 1,
        )
    return {"task": task.name, "teacher": teacher.name, "plan": plan}


def _planned(config: GenerateConfig) -> Teacher:
    from dsbs.teachers.tokenizer_only import PlannedTeacher

    return PlannedTeacher(config.model or "", revision=config.revision, api=config.api)


def _measured_rate(out: Path) -> float | None:
    """Tokens a second of an earlier run in this folder."""
    try:
        found = read_manifest(out)["results"]
        tokens = found["prompt_tokens"] + found["completion_tokens"]
        return tokens / found["labeling_s"] if found["new"] else None
    except (InputError, KeyError, ZeroDivisionError):
        return None


def _sampling(task: Task, config: GenerateConfig) -> Sampling:
    stop = () if config.zero_shot else task.prompt.stop
    return Sampling(
        config.drawn_temperature, config.top_p, config.max_new_tokens, stop, config.extra_body
    )


def _limits(config: GenerateConfig) -> Limits:
    return Limits(**{name: getattr(config, name) for name in Limits.__dataclass_fields__})


def _requests(
    examples: Collection[Example], asker: Asker, samples: int, published: PublishedTeacher | None
) -> Iterator[Request]:
    for position, example in enumerate(examples):
        for sample in range(samples):
            prompt = (
                Prompt(published.key(example.id)) if published else asker.prompt(example, sample)
            )
            yield position, "answer", sample, example, prompt


def _is_bad(task: Task, example: Example, said: Completion) -> bool:
    return said.label_scores is None and not parse_answer(task, example, said).label_usable


def _score_requests(
    task: Task, config: GenerateConfig, store: AnswerStore, run: str, asker: Asker
) -> Iterator[Request]:
    """Label scores without a rationale, after the first sample's, or after every sample's."""
    for asked, said in store.answers(run, "answer"):
        if config.label_scores == "without" and asked.sample == 0:
            yield (
                asked.position,
                "score_without",
                0,
                asked.example,
                asker.score_prompt(asked.example, ""),
            )
        if config.label_scores == "averaged" or (
            config.label_scores == "after" and asked.sample == 0
        ):
            answer = parse_answer(task, asked.example, said)
            if answer.rationale:
                prompt = asker.score_prompt(asked.example, answer.rationale)
                yield asked.position, "score_after", asked.sample, asked.example, prompt


def _accuracy(split: Mapping[str, Any], suffix: str) -> str:
    if not split["gold_rows"]:
        return "no gold labels"
    return f"{percent(split['teacher_accuracy' + suffix])} ({split['teacher_correct' + suffix]:,}/{split['gold_rows']:,})"


def _distributions(name: str, split: Mapping[str, Any]) -> str:
    return f"{name}: label distributions with a mean entropy of {split['entropy']:.3f} nats"


def _shown(asker: Asker, one: Harvested) -> dict[str, Any]:
    prompt, answer = asker.prompt(one.example), one.answer
    text = prompt.text or "\n\n".join(message["content"] for message in prompt.messages)
    correct = None if one.example.gold is None else answer.label == one.example.gold
    facts = {
        "outcome": answer.outcome,
        "label": answer.label,
        "gold": one.example.gold,
        "correct": correct,
    }
    return {"id": one.example.id, "prompt": text, "completion": one.completion.text, **facts}


def _side_by_side(shown: Mapping[str, Any]) -> str:
    verdict = {True: "correct", False: "wrong", None: "no gold label"}[shown["correct"]]
    facts = f"{shown['outcome']}, label {shown['label']!r}, gold {shown['gold']!r}, {verdict}"
    return "\n".join([f"--- {shown['id']}: {facts}", shown["prompt"] + "▸" + shown["completion"]])


STAGE = Stage("generate", GenerateConfig, generate, show)

if __name__ == "__main__":
    STAGE.main()
