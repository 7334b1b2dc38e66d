"""Answers that already exist as files: the release that accompanies the paper, or anybody's JSON lines with ids."""

import hashlib
import json
import re
from collections.abc import Generator, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Self

from dsbs.core.errors import InputError
from dsbs.core.records import Completion
from dsbs.data.readers import read_rows
from dsbs.teachers.protocol import Prompt

_CHUNK = re.compile(r"(?P<part>\w+)_CoT_(?P<number>\d+)\.json")


class PublishedTeacher:
    """Hands out texts that were read before; `key` gives the id under which a prompt asks for an example's text."""

    def __init__(self, name: str, texts: Mapping[str, str], files: Sequence[Path]) -> None:
        self.name, self.texts, self.files = name, texts, tuple(files)
        self.source = hashlib.sha256(
            b"".join(hashlib.sha256(f.read_bytes()).digest() for f in files)
        ).hexdigest()[:16]

    chat = False
    identity: Mapping[str, Any] = {}

    def key(self, example_id: str) -> str:
        """The store's key: published answers are known by their source and the row's id."""
        return f"published:{self.source}:{example_id}"

    def complete(self, prompts: Iterable[Prompt | None]) -> Generator[Completion, None, None]:
        for prompt in filter(None, prompts):
            text = self.texts.get(prompt.id.split(":", 2)[2])
            missing = None if text is not None else "the published answers have no such id"
            yield Completion(prompt.id, text or "", error=missing)

    def count_tokens(self, texts: list[str]) -> None:
        """Nobody knows which tokenizer it was."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *unused: object) -> None:
        return None


def read_release(
    folder: Path, rows_per_chunk: int, ids: Mapping[str, Sequence[str]]
) -> PublishedTeacher:
    """The answers of `<folder>/<part>_CoT_<k>.json`, joined to `ids` (part -> example ids in the order of its file).

    Every chunk must hold just the rows that are its own. InputError names a missing, short, long or extra chunk: a join
    is never shifted.
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
    return PublishedTeacher("published", texts, files)


def read_json_lines(path: Path) -> PublishedTeacher:
    """The answers of a JSON lines file with `id` and `text`. InputError for a row without them or an id given twice."""
    texts: dict[str, str] = {}
    for where, row in read_rows(path):
        if not isinstance(row.get("id"), str) or not isinstance(row.get("text"), str):
            raise InputError(
                where,
                got=f"keys {sorted(row)}",
                expected="strings id and text",
                fix="mend the line",
            )
        if row["id"] in texts:
            raise InputError(
                where,
                got=f"id {row['id']!r} a second time",
                expected="ids that differ",
                fix="keep one",
            )
        texts[row["id"]] = row["text"]
    return PublishedTeacher(path.name, texts, [path])


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
