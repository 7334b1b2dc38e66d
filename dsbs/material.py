"""What a student is made from: the rows of the task, cut by the data rules, and the teacher's answers to them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

from dsbs.config import StudentOptions, TrainConfig
from dsbs.data import extra_examples, extra_files, load_data
from dsbs.dataset import answer_files, read_answers
from dsbs.errors import InputError
from dsbs.examples import overlap
from dsbs.methods import make_pair, training_label
from dsbs.prompting import find_file, load_task
from dsbs.records import LABEL, RATIONALE, Answer, Example, LabelSource, Split, TrainPair
from dsbs.rundir import finished_run, newest_run
from dsbs.splits import take_fraction
from dsbs.tasks import Task


@dataclass(frozen=True)
class Material:
    """Every split of a task with the answers of one generate run. `teacher` is the manifest's results of that run."""

    task: Task
    splits: Mapping[Split, Sequence[Example]]
    answers: Mapping[str, Answer]
    answers_run: Path
    teacher: Mapping[str, Any]
    files: tuple[Path, ...]
    overlapping: frozenset[str]


class Rows(NamedTuple):
    """The training pairs of one cell, and how many rows they came from."""

    pairs: list[TrainPair]
    n_rows: int
    n_fraction: int
    n_extra: int
    n_dropped_overlap: int


def load_material(options: StudentOptions) -> Material:
    """Find answers and data, and cut the splits: validation first, the same for every run.

    Without `answers` the newest generate run below ./runs is used; without `data` or `task`, those of that run.
    InputError where they do not belong together.
    """
    answers_run = options.answers or newest_run("generate")
    if answers_run is None:
        fix = "run dsbs generate first, or name its folder"
        raise InputError("--answers", got="nothing", expected="a finished generate run below ./runs", fix=fix)
    made = finished_run(answers_run, "generate", "--answers")
    task_file = find_file(options.task or made["task_file"], "prompts")
    task = load_task(str(task_file))
    if task.name != made["results"]["task"]:
        got, expected = f"answers of task {made['results']['task']!r}", f"answers of task {task.name!r}"
        raise InputError(f"--answers {answers_run}", got=got, expected=expected, fix="name another run, or leave out --task")
    path = options.data or (Path(made["config"]["data"]) if made["config"]["data"] else None)
    seed = made["config"]["split_seed"] if options.split_seed is None else options.split_seed
    data = load_data(task, path, split_seed=seed).with_validation()
    splits: dict[Split, Sequence[Example]] = {**data.splits, "extra": extra_examples(task, options.extra_unlabelled)}
    answers = read_answers(answers_run)
    files = (task_file, *data.files, *answer_files(answers_run), *(file for _, file in extra_files(options.extra_unlabelled)))
    _belong_together(answers_run, answers, splits)
    held_out = overlap(splits.get("train", ()), splits.get("test", ()))
    return Material(task, splits, answers, answers_run, made["results"], files, frozenset(held_out))


def training_rows(material: Material, config: TrainConfig) -> Rows:
    """The pairs of one cell. The fraction is cut before any filtering; extra inputs come after and do not count in it.

    InputError where no row has a label of this source.
    """
    train, extra = material.splits.get("train", ()), material.splits["extra"]
    if config.labels == "gold" and extra:
        fix = "use --labels teacher or gold_else_teacher"
        raise InputError("--extra-unlabelled", got="--labels gold", expected="labels that these inputs have", fix=fix)
    taken = take_fraction(train, config.data_frac, config.seed)
    kept = [e for e in taken if not (config.drop_overlap and e.id in material.overlapping)]
    made = partial(make_pair, method=config.method, labels=config.labels, alpha=config.alpha, prefixes=prefixes_of(config))
    pairs = [[pair for e in rows if (pair := made(e, material.answers.get(e.id)))] for rows in (kept, extra)]
    if not any(pairs):
        got = f"no row with such a label among {len(taken)} of {len(train)} training rows"
        fix = "use other labels or a larger fraction"
        raise InputError(f"--labels {config.labels}", got=got, expected="at least one", fix=fix)
    return Rows([*pairs[0], *pairs[1]], len(train), len(taken), len(pairs[1]), len(taken) - len(kept))


def validation_rows(material: Material, config: TrainConfig) -> list[tuple[Example, str]]:
    """Validation examples with the label that chooses the best checkpoint: of the kind that training uses, or gold.

    `eval_max_examples` takes a fixed subset: the same rows in every run.
    """
    source: LabelSource = "gold" if config.select_by == "gold" else config.labels
    found = [(e, training_label(e, material.answers.get(e.id), source)) for e in material.splits.get("validation", ())]
    labelled = [(example, label) for example, label in found if label is not None]
    limit = config.eval_max_examples or len(labelled)
    return labelled if limit >= len(labelled) else take_fraction(labelled, limit / len(labelled), seed=0)


def student_of(name: str, task: Task) -> str:
    """The student that a name means: "auto" is the task's own, else the built-in tiny one."""
    return (task.student or "tiny") if name == "auto" else name


def prefixes_of(options: StudentOptions) -> dict[str, str]:
    """The input prefix of each task."""
    return {LABEL: options.prefixes[0], RATIONALE: options.prefixes[1]}


def tokenizer_texts(material: Material) -> list[str]:
    """All training text, from the whole training part whatever the fraction: inputs, labels, rationales. Never test."""
    rows = [*material.splits.get("train", ()), *material.splits["extra"]]
    texts = [text for e in rows for text in (e.input, *e.choices, e.gold or "")]
    answers = [answer for e in rows if (answer := material.answers.get(e.id)) is not None]
    return texts + [text for answer in answers for text in (answer.rationale or "", answer.label or "")]


def _belong_together(run: Path, answers: Mapping[str, Answer], splits: Mapping[Split, Sequence[Example]]) -> None:
    """The training rows and the answers must have ids in common: changed data or another data set has none."""
    train = [e.id for e in [*splits.get("train", ()), *splits["extra"]]]
    if not train:
        raise InputError("--data", got="no training rows", expected="a train split", fix="check the data")
    if not any(identity in answers for identity in train):
        raise InputError(
            f"--answers {run}",
            got=f"answers with ids like {next(iter(answers))!r}",
            expected=f"ids like {train[0]!r}",
            fix="give the --data that these answers were made for",
        )
