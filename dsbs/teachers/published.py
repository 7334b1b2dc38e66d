"""Answers that exist already as files: the paper's release, or anybody's own."""

import hashlib
import json
import re
from collections.abc import Generator, Iterable, Mapping, Sequence
from pathlib import Path

from dsbs.artifacts.results.generate import PublishedCounts
from dsbs.config.request_options import AnswersFormat
from dsbs.core.errors import InputError
from dsbs.core.progress import say
from dsbs.core.records import Completion, Example
from dsbs.data.spool import SpooledExamples
from dsbs.tasks.task import Task
from dsbs.teachers.answer_formats import read_answers
from dsbs.teachers.answer_index import AnswerIndex
from dsbs.teachers.belonging import check_apart, check_inputs
from dsbs.teachers.found_answer import FoundAnswer
from dsbs.teachers.protocol import IDLE, Idle, Prompt, Wait

_NONE = FoundAnswer("", None, "the published answers have no such id")

_CHUNK = re.compile(r"(?P<part>\w+)_CoT_(?P<number>\d+)\.json")


class PublishedAnswers:
    """Answers by example id, read from files."""

    def __init__(
        self,
        name: str,
        answers: Mapping[str, FoundAnswer],
        files: Sequence[Path],
        form: str = "",
        counts: PublishedCounts | None = None,
    ) -> None:
        self.name = name
        self.counts = counts or PublishedCounts(answers=len(answers), unchecked=len(answers))
        self.answers = answers
        self.files = tuple(files)
        digests = b"".join(hashlib.sha256(f.read_bytes()).digest() for f in files)
        self.source = hashlib.sha256(digests + form.encode()).hexdigest()[:16]

    def prompt(self, example: Example, sample: int = 0) -> Prompt:
        """A request for the text of an example. All samples of it are the same request."""
        return Prompt(self.key(example.id))

    def key(self, example_id: str) -> str:
        """The key in the store: published answers are known by their source and the row's id."""
        return f"published:{self.source}:{example_id}"

    def complete(
        self, prompts: Iterable[Prompt | Wait]
    ) -> Generator[Completion | Idle, None, None]:
        """The answer to every prompt of `prompt`; failed where there is none."""
        for prompt in prompts:
            if isinstance(prompt, Wait):
                yield IDLE
                continue
            found = self.answers.get(prompt.id.split(":", 2)[2], _NONE)
            yield Completion(
                prompt.id,
                found.text or "",
                finish_reason=found.finish_reason,
                reasoning=found.reasoning,
                error=found.error,
            )


def read_release(
    folder: Path, rows_per_chunk: int, ids: Mapping[str, Sequence[str]]
) -> PublishedAnswers:
    """The answers of a folder in the release's layout, `<part>_CoT_<k>.json`.

    Every chunk must hold just the rows that are its own, so that a join is never shifted.

    Args:
        folder: the folder of the chunks.
        rows_per_chunk: how many answers a full chunk holds.
        ids: the example ids of each part, in the order of its file.

    Raises:
        InputError: for a missing, short, long or extra chunk.
    """
    answers: dict[str, FoundAnswer] = {}
    files: list[Path] = []
    for part, part_ids in ids.items():
        for number, start in enumerate(range(0, len(part_ids), rows_per_chunk)):
            chunk_ids = part_ids[start : start + rows_per_chunk]
            path = folder / f"{part}_CoT_{number}.json"
            for example_id, text in zip(chunk_ids, _read_chunk(path, len(chunk_ids)), strict=True):
                answers[example_id] = FoundAnswer(str(path), text, id=example_id)
            files.append(path)
    extra = sorted(f for f in folder.glob("*.json") if f not in files and _part_of(f) in ids)
    if extra:
        raise InputError(
            extra[0],
            got="a chunk too many",
            expected=f"{len(files)} chunks",
            fix="check data and release",
        )
    _say_by_order(folder)
    return PublishedAnswers("published", answers, files)


def whole_files(task: Task, folder: Path, parts: Iterable[str]) -> dict[str, Path]:
    """The files of a folder in the release's other layout, `gpt-neox/<task>/<part>.json`, by part.

    One file holds the answers of a whole part. {} where there are none.

    Args:
        task: the task.
        folder: gpt-neox/, or the folder of the task in it.
        parts: the data's own names of its splits.
    """
    places = [place / f"{part}.json" for part in parts for place in (folder / task.name, folder)]
    return {place.stem: place for place in reversed(places) if place.is_file()}


def read_whole_files(
    places: Mapping[str, Path], ids: Mapping[str, Sequence[str]]
) -> PublishedAnswers:
    """The answers of `whole_files`.

    Args:
        places: the file of each part.
        ids: the example ids of each part that is wanted, in the order of its file.

    Raises:
        InputError: for a file that does not hold one answer for each row of its part.
    """
    answers: dict[str, FoundAnswer] = {}
    folder = next(iter(places.values())).parent
    files = [places.get(part, folder / f"{part}.json") for part in ids]
    for path, part_ids in zip(files, ids.values(), strict=True):
        texts = _read_chunk(path, len(part_ids))
        for example_id, text in zip(part_ids, texts, strict=True):
            answers[example_id] = FoundAnswer(str(path), text, id=example_id)
    _say_by_order(folder)
    return PublishedAnswers("gpt-neox", answers, files)


def _say_by_order(folder: Path) -> None:
    say(f"{folder}: answers come without what was asked, so they are joined to rows by order alone")


def read_published(
    task: Task,
    path: Path,
    form: AnswersFormat,
    splits: Iterable[SpooledExamples],
    *,
    may_have_changed: bool = False,
) -> PublishedAnswers:
    """The answers of a file in any known format, joined to the rows that they were made for.

    An answer belongs to the row that its file repeats, else to the row with its id, else to the
    rows whose input was asked. What cannot be checked is counted on stderr.

    Args:
        task: the task that they answer.
        path: the file.
        form: its format.
        splits: the rows.
        may_have_changed: whether answers may repeat other inputs than the rows with their ids.

    Raises:
        InputError: for a row that is in no known format, for two answers to one row, and for
            answers to other rows.
    """
    splits = tuple(splits)
    kind, found = read_answers(path, form)
    index = AnswerIndex(task, splits)
    by_rows: dict[tuple[str, ...], list[FoundAnswer]] = {}
    apart: list[FoundAnswer] = []
    for answer in found:
        ids = tuple(index.ids_of(answer))
        apart += [] if ids else [answer]
        by_rows.setdefault(ids or (answer.id or answer.where,), []).append(answer)
    answers: dict[str, FoundAnswer] = {}
    for ids, of_these in by_rows.items():
        for example_id, answer in _shared_out(ids, of_these):
            if example_id in answers:
                raise _twice(answer, example_id)
            answers[example_id] = answer
    check_apart(path, found, apart, splits)
    checked = check_inputs(task, path, answers, splits, may_have_changed=may_have_changed)
    counts = PublishedCounts(
        answers=len(found),
        without_row=len(apart),
        changed=checked.changed,
        unchecked=checked.unchecked,
    )
    return PublishedAnswers(path.name, answers, [path], "" if kind == "text" else kind, counts)


def _shared_out(
    ids: Sequence[str], answers: Sequence[FoundAnswer]
) -> Iterable[tuple[str, FoundAnswer]]:
    """Each row with its answer. Alike rows share one answer, or each has its own in their order."""
    if len({answer.text for answer in answers}) == 1 and (len(ids) > 1 or len(answers) == 1):
        return [(example_id, answers[0]) for example_id in ids]
    if len(ids) == len(answers):
        return zip(ids, answers, strict=True)
    raise _twice(answers[1], ids[0])


def _twice(answer: FoundAnswer, example_id: str) -> InputError:
    return InputError(
        answer.where,
        got=f"id {example_id!r} a second time",
        expected="one answer per row",
        fix="keep one of them",
    )


def _read_chunk(path: Path, rows: int) -> list[str]:
    try:
        chunk = json.loads(path.read_text(encoding="utf-8"))
    except OSError:
        raise InputError(
            path, got="no such chunk", expected=f"{rows} answers", fix="complete the release"
        ) from None
    except (ValueError, RecursionError) as error:
        raise InputError(
            path, got=f"broken JSON ({error})", expected=f"{rows} answers", fix="get the file again"
        ) from None
    if (
        not isinstance(chunk, list)
        or len(chunk) != rows
        or not all(isinstance(text, str) for text in chunk)
    ):
        got = f"{len(chunk)} answers" if isinstance(chunk, list) else "no list"
        raise InputError(
            path,
            got=got,
            expected=f"a list of {rows} strings",
            fix="check that data and answers belong together",
        )
    return chunk


def _part_of(path: Path) -> str:
    match = _CHUNK.fullmatch(path.name)
    return match["part"] if match else ""
