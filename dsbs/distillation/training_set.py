"""What a student is made from: the rows of the task, cut by the data rules, and the teacher's answers to them."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

from dsbs.artifacts.results.generate import GenerateResult
from dsbs.config.recipe import StudentOptions
from dsbs.config.train import TrainConfig
from dsbs.core.errors import InputError
from dsbs.core.files import find_file
from dsbs.core.records import Answer, Example, LabelSource, Method, Rationale, Split, TrainPair
from dsbs.data.examples import overlap
from dsbs.data.load import extra_examples, extra_files, load_data
from dsbs.data.splits import take_fraction
from dsbs.distillation.ensembles import disagreement, spread
from dsbs.distillation.methods import learned_rationales, make_pair, training_label
from dsbs.distillation.teacher_runs import (
    TeacherRun,
    combined,
    open_teachers,
    prefixes_of,
    task_shares,
)
from dsbs.tasks.labels import same_label
from dsbs.tasks.prompts import load_task
from dsbs.tasks.task import Task


@dataclass(frozen=True)
class Material:
    """Every split of a task with the teachers' answers. `answers` are of all teachers together, `teachers` of each.

    `teacher` is the manifest's results of the (first) generate run.
    """

    task: Task
    splits: Mapping[Split, Sequence[Example]]
    answers: Mapping[str, Answer]
    teachers: tuple[TeacherRun, ...]
    teacher: GenerateResult
    files: tuple[Path, ...]
    overlapping: frozenset[str]

    @property
    def answer_folders(self) -> list[Path]:
        """The folders of the generate runs, in the order in which they were named."""
        return [run.folder for run in sorted(self.teachers, key=lambda run: run.place)]

    @property
    def answers_runs(self) -> list[str]:
        """The same, absolute, as text."""
        return [str(folder.resolve()) for folder in self.answer_folders]


class Rows(NamedTuple):
    """The training pairs of one cell, how many rows they came from, and the method that they are made by."""

    pairs: list[TrainPair]
    n_rows: int
    n_fraction: int
    n_extra: int
    n_dropped_overlap: int
    method: Method
    n_explained: int
    disagreement: Mapping[str, Any]


def load_material(options: StudentOptions) -> Material:
    """Find answers and data, and cut the splits: validation first, the same for every run.

    Without `answers` the newest generate run below ./runs is used; without `data` or `task`, those of that run.
    InputError where they do not belong together.
    """
    teachers = open_teachers(options)
    folder = teachers[0].folder
    made = teachers[0].made
    task_file = find_file(options.task, "prompts") if options.task else made.task_place(folder)
    task = load_task(str(task_file))
    if task.name != made.final.task:
        raise InputError(
            f"--answers {folder}",
            got=f"answers of task {made.final.task!r}",
            expected=f"answers of task {task.name!r}",
            fix="name another run, or leave out --task",
        )
    path = options.data or made.data_place(folder)
    seed = int(str(made.config["split_seed"])) if options.split_seed is None else options.split_seed
    skip = bool(made.config.get("skip_incomplete"))
    data = load_data(task, path, split_seed=seed, skip_incomplete=skip).with_validation()
    splits: dict[Split, Sequence[Example]] = {
        **data.splits,
        "extra": extra_examples(task, options.extra_unlabelled, skip_incomplete=skip),
    }
    extra = [file for _, file in extra_files(options.extra_unlabelled)]
    files = (task_file, *data.files, *(file for run in teachers for file in run.files), *extra)
    for run in teachers:
        _belong_together(run.folder, run.answers, splits)
    held_out = frozenset(overlap(splits.get("train", ()), splits.get("test", ())))
    return Material(
        task,
        splits,
        combined(teachers, options.ensemble),
        teachers,
        made.final,
        files,
        held_out,
    )


def training_rows(
    material: Material, config: TrainConfig, shorten: Callable[[str], str] = str
) -> Rows:
    """The pairs of one cell. The fraction is cut before any filtering; extra inputs come after and do not count in it.

    `shorten` is what happens to the text of every rationale. Where no rationale is left to learn, the method is
    `standard`. InputError where no row has a label of this source, or soft targets are asked for and there are none.
    """
    train, extra = material.splits.get("train", ()), material.splits["extra"]
    if config.labels == "gold" and extra:
        fix = "use --labels teacher or gold_else_teacher"
        raise InputError(
            "--extra-unlabelled",
            got="--labels gold",
            expected="labels that these inputs have",
            fix=fix,
        )
    taken = take_fraction(train, config.data_frac, config.seed)
    kept = [e for e in taken if not (config.drop_overlap and e.id in material.overlapping)]
    found = {
        e.id: training_label(e, material.answers.get(e.id), config.labels) for e in [*kept, *extra]
    }
    labelled = [(e, label) for e in [*kept, *extra] if (label := found[e.id]) is not None]
    if not labelled:
        got = f"no row with such a label among {len(taken)} of {len(train)} training rows"
        fix = "use other labels or a larger fraction"
        raise InputError(f"--labels {config.labels}", got=got, expected="at least one", fix=fix)
    explained = {e.id for e in take_fraction([*kept, *extra], config.rationale_frac, config.seed)}
    rationales = {
        e.id: _rationales(material, config, e, shorten) if e.id in explained else ()
        for e, _ in labelled
    }
    method = config.method if any(rationales.values()) else "standard"
    made = partial(
        make_pair,
        method=method,
        alpha=config.alpha,
        prefixes=prefixes_of(config),
        task_weights=task_shares(config),
    )
    pairs = [
        made(e, label, rationales[e.id], distribution=_distribution(material, config, e))
        for e, label in labelled
    ]
    _check_soft(material, config, pairs)
    n_extra = sum(found[e.id] is not None for e in extra)
    minds = disagreement(
        [[run.answers.get(e.id) for run in material.teachers] for e, _ in labelled]
    )
    n_explained = sum(map(bool, rationales.values())) if method != "standard" else 0
    return Rows(
        pairs, len(train), len(taken), n_extra, len(taken) - len(kept), method, n_explained, minds
    )


def validation_rows(material: Material, config: TrainConfig) -> list[tuple[Example, str]]:
    """Validation examples with the label that chooses the best checkpoint: of the kind that training uses, or gold.

    `eval_max_examples` takes a fixed subset: the same rows in every run.
    """
    source: LabelSource = "gold" if config.select_by == "gold" else config.labels
    found = [
        (e, training_label(e, material.answers.get(e.id), source))
        for e in material.splits.get("validation", ())
    ]
    labelled = [(example, label) for example, label in found if label is not None]
    limit = config.eval_max_examples or len(labelled)
    return (
        labelled
        if limit >= len(labelled)
        else take_fraction(labelled, limit / len(labelled), seed=0)
    )


def teacher_verdicts(material: Material, split: Split) -> dict[str, bool]:
    """Whether the teacher itself is right, by example id, on the gold rows of a split that it answered."""
    kind, answers = material.task.label.kind, material.answers
    rows = [e for e in material.splits.get(split, ()) if e.gold and e.id in answers]
    return {e.id: same_label(kind, answers[e.id].label, e.gold) for e in rows}


def student_of(name: str, task: Task) -> str:
    """The student that a name means: "auto" is the task's own, else the built-in tiny one."""
    return (task.student or "tiny") if name == "auto" else name


def tokenizer_texts(material: Material) -> list[str]:
    """All training text, from the whole training part whatever the fraction: inputs, labels, rationales. Never test."""
    rows = [*material.splits.get("train", ()), *material.splits["extra"]]
    texts = [text for e in rows for text in (e.input, *e.choices, e.gold or "")]
    answers = [
        answer
        for e in rows
        for run in material.teachers
        if (answer := run.answers.get(e.id)) is not None
    ]
    return texts + [
        text for answer in answers for text in (answer.rationale or "", answer.label or "")
    ]


def _rationales(
    material: Material, config: TrainConfig, example: Example, shorten: Callable[[str], str]
) -> tuple[Rationale, ...]:
    """What is learned of each teacher's rationales, in the order of the teachers."""
    voted = material.answers[example.id].label if example.id in material.answers else None
    found = [
        learned_rationales(
            run.answers.get(example.id),
            example=example,
            kind=material.task.label.kind,
            wanted=config.filter,
            voted=voted,
            count=config.rationales_per_example,
            task=run.task,
            weight=run.weight,
        )
        for run in material.teachers
    ]
    return tuple(Rationale(shorten(r.text), r.task, r.weight) for of_one in found for r in of_one)


def _distribution(
    material: Material, config: TrainConfig, example: Example
) -> dict[str, float] | None:
    """The teachers' distribution over the labels of this row, where it is to be learned and there is one."""
    answer = material.answers.get(example.id)
    if (
        not config.soft_weight
        or config.soft_teacher
        or answer is None
        or answer.distribution is None
    ):
        return None
    return spread(answer.distribution, material.task.allowed(example.choices))


def _check_soft(material: Material, config: TrainConfig, pairs: Sequence[TrainPair]) -> None:
    """Soft targets in label space need labels to choose from, a label that stands first, and distributions."""
    if not config.soft_weight or config.soft_teacher:
        return
    kind, flag = material.task.label.kind, f"--soft-weight {config.soft_weight:g}"
    if kind not in ("choice", "class"):
        fix = "learn from --soft-teacher, or from the teacher's text alone"
        raise InputError(flag, got=f"a task of kind {kind!r}", expected="choice or class", fix=fix)
    if config.method == "rationale_then_label":
        expected = "a method whose label does not follow a rationale"
        raise InputError(
            flag, got=f"--method {config.method}", expected=expected, fix="use label_then_rationale"
        )
    if not any(pair.distribution for pair in pairs):
        fix = "ask for them: dsbs generate --label-scores without, or --samples 10"
        raise InputError(
            flag, got="answers without label distributions", expected="some that have them", fix=fix
        )


def _belong_together(
    run: Path, answers: Mapping[str, Answer], splits: Mapping[Split, Sequence[Example]]
) -> None:
    """The training rows and the answers must have ids in common: changed data or another data set has none."""
    train = [e.id for e in [*splits.get("train", ()), *splits["extra"]]]
    if not train:
        raise InputError(
            "--data", got="no training rows", expected="a train split", fix="check the data"
        )
    if not any(identity in answers for identity in train):
        raise InputError(
            f"--answers {run}",
            got=f"answers with ids like {next(iter(answers))!r}",
            expected=f"ids like {train[0]!r}",
            fix="give the --data that these answers were made for",
        )
