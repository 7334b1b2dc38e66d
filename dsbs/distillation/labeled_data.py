"""The rows of a task together with the answers of its teachers."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from dsbs.artifacts.results.generate import GenerateResult
from dsbs.artifacts.results.train import AnswerRows
from dsbs.config.recipe import AnswerSources, DataSource
from dsbs.core.errors import InputError
from dsbs.core.files import find_file
from dsbs.core.iteration import Chain
from dsbs.core.progress import say
from dsbs.core.records import Answer, Example, Split
from dsbs.data.examples import overlap
from dsbs.data.load import extra_examples, extra_files, load_data
from dsbs.data.splits import held_for_calibration
from dsbs.data.spool import SpooledExamples
from dsbs.distillation.row_match import Match, RowIndex, match_rows
from dsbs.distillation.teacher_runs import (
    Ranking,
    TeacherRun,
    combined,
    open_teachers,
    rank,
)
from dsbs.metrics.distributions import Mean
from dsbs.tasks.labels import same_label
from dsbs.tasks.prompts import load_task
from dsbs.tasks.task import Task


@dataclass(frozen=True)
class LabeledData:
    """The examples of every split, and the teachers' joint answers to them."""

    task: Task
    splits: Mapping[Split, Sequence[Example]]
    answers: Mapping[str, Answer] = field(default_factory=dict)
    """By example id."""
    files: tuple[Path, ...] = ()
    """Every file that was read, for the manifest."""

    @property
    def measured_files(self) -> tuple[Path, ...]:
        """The files that a measurement depends on: rows and answers."""
        return self.files

    def explained(self, examples: Iterable[Example]) -> list[Example]:
        """The examples, each with the teacher's usable rationale where there is one."""
        found = []
        for example in examples:
            answer = self.answers.get(example.id)
            usable = answer if answer is not None and answer.rationale_usable else None
            found.append(replace(example, rationale=usable.rationale if usable else None))
        return found

    def teacher_verdicts(self, split: Split) -> dict[str, bool]:
        """Whether the teacher is right, by example id, on the gold rows that it answered."""
        kind = self.task.label.kind
        answered = [e for e in self.splits.get(split, ()) if e.gold and e.id in self.answers]
        return {e.id: same_label(kind, self.answers[e.id].label, e.gold) for e in answered}


@dataclass(frozen=True, kw_only=True)
class TrainingData(LabeledData):
    """Labeled data with everything that training needs to know of its origin."""

    teachers: tuple[TeacherRun, ...]
    ranking: Ranking
    """The teachers, the best first."""
    mean: Mean
    """How the answers of several teachers were made one."""
    data: Path | None
    """Where the rows lie. None: the task's own."""
    data_files: tuple[Path, ...]
    """The files of the rows alone."""
    split_seed: int
    skip_incomplete: bool
    """Whether rows that lack a field were skipped."""
    answer_rows: tuple[AnswerRows, ...]
    """How the answers of each teacher fit the rows."""
    overlapping: frozenset[str]
    """Ids of training examples whose input test also has."""
    calibration_frac: float = 0.0
    """Share of the training rows that were taken out for calibration."""

    @property
    def named_teachers(self) -> list[TeacherRun]:
        """The teachers in the order in which their runs were named."""
        return sorted(self.teachers, key=lambda run: run.place)

    @property
    def measured_files(self) -> tuple[Path, ...]:
        return (*self.data_files, *(file for run in self.teachers for file in run.files))

    @property
    def answer_folders(self) -> list[Path]:
        """The folders of the generate runs, in the order in which they were named."""
        return [run.folder for run in self.named_teachers]

    @property
    def answer_names(self) -> list[str]:
        """The same as absolute paths in text: what sets run folders apart."""
        return [str(folder.resolve()) for folder in self.answer_folders]

    @property
    def teacher(self) -> GenerateResult:
        """The results of the first generate run."""
        return self.teachers[0].made.final


def load_training_data(source: DataSource, answers: AnswerSources) -> TrainingData:
    """Read answers and rows, and cut the splits: validation first, the same for every run.

    Raises:
        InputError: Rows and answers do not belong together, or one of them is missing.
    """
    teachers = open_teachers(answers, source.task)
    folder = teachers[0].folder
    made = teachers[0].made
    task, task_file = _task_of(source, teachers[0])
    path = source.data or made.data_place(folder)
    seed = source.split_seed
    split_seed = int(str(made.config["split_seed"])) if seed is None else seed
    skip = bool(made.config.get("skip_incomplete"))
    rows = load_data(task, path, split_seed=split_seed, skip_incomplete=skip).with_validation()
    splits: dict[Split, Sequence[Example]] = {
        **rows.splits,
        "extra": extra_examples(task, source.extra, skip_incomplete=skip),
    }
    fitting = _checked(teachers, task, splits, may_have_changed=source.may_have_changed)
    splits["train"] = _not_held(rows.splits.get("train"), source.calibration_frac)
    kind = task.label.kind
    ranking = rank(teachers, kind, splits.get("validation", ()))
    extra = [file for _, file in extra_files(source.extra)]
    answer_files = [file for run in teachers for file in run.files]
    return TrainingData(
        task=task,
        splits=splits,
        answers=combined(ranking, kind, answers.mean),
        files=(task_file, *rows.files, *answer_files, *extra),
        teachers=teachers,
        ranking=ranking,
        mean=answers.mean,
        data=path,
        data_files=rows.files,
        split_seed=split_seed,
        skip_incomplete=skip,
        answer_rows=fitting,
        overlapping=frozenset(overlap(splits.get("train", ()), splits.get("test", ()))),
        calibration_frac=source.calibration_frac,
    )


def _task_of(source: DataSource, run: TeacherRun) -> tuple[Task, Path]:
    """The task to learn, and its file: the one that was named, else that of the answers."""
    made = run.made
    task_file = find_file(source.task, "prompts") if source.task else made.task_place(run.folder)
    task = load_task(str(task_file))
    if task.name != made.final.task:
        raise InputError(
            f"--answers {run.folder}",
            got=f"answers of task {made.final.task!r}",
            expected=f"answers of task {task.name!r}",
            fix="name another run, or leave out --task",
        )
    return task, task_file


def _not_held(train: SpooledExamples | None, frac: float) -> Sequence[Example]:
    """The training rows that are not held for calibration."""
    if train is None or not frac:
        return train or ()
    held = held_for_calibration([row.group or row.id for row in train], frac)
    return train.chosen((not one for one in held), "train")


def tokenizer_texts(data: TrainingData) -> list[str]:
    """The text that a tokenizer is trained on: all of the training part, and nothing of test.

    It does not depend on the fraction, so all cells of a comparison share one tokenizer.
    """
    rows = [*data.splits.get("train", ()), *data.splits["extra"]]
    texts = [text for e in rows for text in (e.input, *e.choices, e.gold or "")]
    for example in rows:
        for run in data.teachers:
            answer = run.answers.get(example.id)
            if answer is not None:
                texts += [answer.rationale or "", answer.label or ""]
    return texts


def _checked(
    teachers: Sequence[TeacherRun],
    task: Task,
    splits: Mapping[Split, Sequence[Example]],
    *,
    may_have_changed: bool,
) -> tuple[AnswerRows, ...]:
    """How the answers of each teacher fit the rows. InputError where they do not fit."""
    to_learn = (splits.get("train", ()), splits["extra"])
    if not any(to_learn):
        raise InputError(
            "--data", got="no training rows", expected="a train split", fix="check the data"
        )
    index = RowIndex(task, Chain(list(splits.values())))
    matches = [match_rows(run, index, to_learn) for run in teachers]
    for run, match in zip(teachers, matches, strict=True):
        if not splits["extra"] and "extra" in run.made.final.splits:
            count = run.made.final.splits["extra"].rows
            say(f"answers: {run.folder}: {count:,} to extra inputs need --extra-unlabeled")
        _check_match(run, match, may_have_changed=may_have_changed)
    return tuple(match.counts for match in matches)


def _check_match(run: TeacherRun, match: Match, *, may_have_changed: bool) -> None:
    """Print how the answers fit the rows. InputError where they do not, unless that may be."""
    counts = match.counts
    for problem in filter(None, (match.changed, match.stray)):
        if not may_have_changed or counts.without_row == counts.answers:
            raise problem
        say(f"{problem.where}: {problem.got}")
    if counts.without_row and not match.stray:
        belong = f"{counts.without_row:,} of {counts.answers:,} answers belong to no row"
        say(f"answers: {run.folder}: {belong}")
    if counts.unanswered or run.made.status != "done":
        missing = f"{counts.unanswered:,} of {counts.rows:,} rows have no answer"
        say(f"answers: {run.folder} is {run.made.status}: {missing}")
