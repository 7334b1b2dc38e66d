"""Answers that exist already as files: the paper's release, or anybody's JSON lines with ids."""

import hashlib
import json
import re
from collections.abc import Generator, Iterable, Mapping, Sequence
from pathlib import Path

from dsbs.core.errors import InputError
from dsbs.core.records import Completion, Example
from dsbs.data.readers import read_rows
from dsbs.teachers.clean_text import clean_text
from dsbs.teachers.protocol import Prompt, Wait

_CHUNK = re.compile(r"(?P<part>\w+)_CoT_(?P<number>\d+)\.json")


class PublishedAnswers:
    """Texts by example id, read from files."""

    def __init__(self, name: str, texts: Mapping[str, str], files: Sequence[Path]) -> None:
        self.name = name
        self.texts = texts
        self.files = tuple(files)
        content = b"".join(hashlib.sha256(file.read_bytes()).digest() for file in files)
        self.source = hashlib.sha256(content).hexdigest()[:16]

    def prompt(self, example: Example, sample: int = 0) -> Prompt:
        """A request for the text of an example. All samples of it are the same request."""
        return Prompt(self.key(example.id))

    def key(self, example_id: str) -> str:
        """The key in the store: published answers are known by their source and the row's id."""
        return f"published:{self.source}:{example_id}"

    def complete(self, prompts: Iterable[Prompt | Wait]) -> Generator[Completion, None, None]:
        """The text of every prompt of `prompt`; failed where there is none."""
        for prompt in prompts:
            if isinstance(prompt, Wait):
                continue
            text = self.texts.get(prompt.id.split(":", 2)[2])
            missing = None if text is not None else "the published answers have no such id"
            yield Completion(prompt.id, clean_text(text or ""), error=missing)


def read_release(
    folder: Path, rows_per_chunk: int, ids: Mapping[str, Sequence[str]]
) -> PublishedAnswers:
    """The answers of `<folder>/<part>_CoT_<k>.json`.

    Args:
        folder: Where the chunks are.
        rows_per_chunk: Answers per chunk; the last chunk of a part may have fewer.
        ids: Example ids in the order of the file, by part.

    Raises:
        InputError: a chunk is missing, short, long or extra. So answers never shift.
    """
    texts: dict[str, str] = {}
    files: list[Path] = []
    for part, part_ids in ids.items():
        for number, start in enumerate(range(0, len(part_ids), rows_per_chunk)):
            chunk_ids = part_ids[start : start + rows_per_chunk]
            path = folder / f"{part}_CoT_{number}.json"
            texts.update(zip(chunk_ids, _read_chunk(path, len(chunk_ids)), strict=True))
            files.append(path)
    extra = sorted(f for f in folder.glob("*.json") if f not in files and _part_of(f) in ids)
    if extra:
        raise InputError(
            extra[0],
            got="a chunk too many",
            expected=f"{len(files)} chunks",
            fix="check data and release",
        )
    return PublishedAnswers("published", texts, files)


def read_json_lines(path: Path) -> PublishedAnswers:
    """The answers of a JSON lines file with `id` and `text`.

    Raises InputError for a row without them, or an id that comes twice.
    """
    texts: dict[str, str] = {}
    for where, row in read_rows(path):
        if not isinstance(row.get("id"), str) or not isinstance(row.get("text"), str):
            raise InputError(
                where,
                got=f"keys {sorted(row)}",
                expected="strings id and text",
                fix="correct the line",
            )
        if row["id"] in texts:
            raise InputError(
                where,
                got=f"id {row['id']!r} a second time",
                expected="every id once",
                fix="keep one of the two",
            )
        texts[row["id"]] = row["text"]
    return PublishedAnswers(path.name, texts, [path])


def _read_chunk(path: Path, rows: int) -> list[str]:
    try:
        chunk = json.loads(path.read_text(encoding="utf-8"))
    except OSError:
        raise InputError(
            path, got="no such chunk", expected=f"{rows} answers", fix="complete the release"
        ) from None
    except ValueError as error:
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
