"""Where the rows of a task lie: a file, a folder of files, a saved data set, or a hub data set."""

import json
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from dsbs.core.errors import InputError
from dsbs.core.files import packaged
from dsbs.core.progress import say
from dsbs.data.arrow_rows import GoldNames, read_data_set
from dsbs.data.examples import SPLIT_OF
from dsbs.data.readers import Rows, is_data_file, read_rows
from dsbs.data.text_files import stem_of, suffix_of
from dsbs.tasks.task import Columns, HubSource, Task

_SHARD = re.compile(r"(?P<part>[a-z]+)[-_.](?P<number>\d+)(-of-(?P<count>\d+))?(-[0-9a-f]+)?")
"""One of several files of a part: train-00000-of-00002, train-1; the hub adds a hash."""
_NO_DATA = (".md", ".yaml", ".yml", ".lock")
"""Suffixes of files that lie beside data and hold none."""


@dataclass(frozen=True)
class Source:
    """Where the rows of a task are read from."""

    parts: Mapping[str, Callable[[], Rows]]
    """The rows of each part, by the source's own name of the split."""
    columns: Sequence[Columns]
    """Where columns may stand, the task's own first."""
    files: tuple[Path, ...] = ()


def find_source(task: Task, path: Path | None) -> Source:
    """The source that `--data` names, else the task's own data, else its hub data set.

    Raises:
        InputError: where there is none, or where it is not clear which file is which split.
    """
    columns = [task.columns, *hub_columns(task)]
    if path is None and task.data is not None:
        path = packaged(task.data)
    if path is None:
        if task.hub is None:
            raise InputError(
                "--data",
                got="nothing",
                expected="a file or folder",
                fix="the task names no hub data set",
            )
        return _data_set(task.hub, task.hub.splits, columns)
    if not path.exists():
        raise InputError(
            "--data", got=f"no such path: {path}", expected="a file or folder", fix="check the path"
        )
    if (path / "dataset_dict.json").is_file() or (path / "dataset_info.json").is_file():
        return _saved(task, path, columns)
    parts = _files_of_folder(task, path) if path.is_dir() else {"all": [path]}
    names = _gold_names(columns)
    readers = {part: partial(_read_files, files, names) for part, files in parts.items()}
    return Source(readers, columns, tuple(file for files in parts.values() for file in files))


def hub_columns(task: Task) -> list[Columns]:
    """Where columns stand in the task's hub data set, if it says so."""
    return [task.hub.columns] if task.hub and task.hub.columns else []


def _gold_names(columns: Iterable[Columns]) -> GoldNames:
    return {
        layout.gold: layout.gold_names for layout in columns if layout.gold and layout.gold_names
    }


def _read_files(files: Sequence[Path], gold_names: GoldNames) -> Rows:
    for file in files:
        yield from read_rows(file, gold_names)


def _data_set(hub: HubSource, splits: Mapping[str, str], columns: Sequence[Columns]) -> Source:
    names = _gold_names(columns)
    return Source(
        {part: partial(read_data_set, hub, name, names) for part, name in splits.items()}, columns
    )


def _saved(task: Task, path: Path, columns: Sequence[Columns]) -> Source:
    """A folder that `datasets` saved: one data set without splits, or a dictionary of them.

    Its splits are those with the usual names, else those that the task file names under `hub`.
    """
    index = path / "dataset_dict.json"
    names = _saved_splits(index) if index.is_file() else ["all"]
    hub = task.hub.splits if task.hub else {}
    splits = {name.lower(): name for name in names if name.lower() in SPLIT_OF}
    splits = splits or {part: name for part, name in hub.items() if name in names}
    unused = sorted(set(names) - set(splits.values()))
    if not splits:
        train = next((name for name in unused if "train" in name), "train")
        raise InputError(
            path,
            got=f"the splits {', '.join(unused) or '(none)'}",
            expected=f"splits named {', '.join(SPLIT_OF)}",
            fix="rename them, or name them in the task file, e.g. "
            f"hub: {{path: {path.name}, splits: {{train: {train}}}}}",
        )
    _check_clash(path, splits)
    if unused:
        say(f"{path}: splits that are not used: {', '.join(unused)}")
    return _data_set(HubSource(path=str(path), splits=splits), splits, columns)


def _saved_splits(index: Path) -> list[str]:
    try:
        return [str(name) for name in json.loads(index.read_text(encoding="utf-8"))["splits"]]
    except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
        raise InputError(
            index, got=error, expected="a list of splits", fix="save the data set again"
        ) from None


def _files_of_folder(task: Task, folder: Path) -> dict[str, list[Path]]:
    """The files of each part.

    They are `<task>/<task>_<part>.json` of the release, else `<part>.*` or `<part>-<number>.*`,
    else one file.
    """
    for place in (folder / task.name, folder):
        found = {
            part: [file]
            for part in SPLIT_OF
            if (file := place / f"{task.name}_{part}.json").is_file()
        }
        if found:
            _check_clash(folder, found)
            _say_unused([place], found)
            return found
    places = [folder, folder / "data"]
    files = sorted(
        f for place in places if place.is_dir() for f in place.iterdir() if is_data_file(f)
    )
    by_part = {part: [file for file in files if _part_of(file) == part] for part in SPLIT_OF}
    found = {part: of_part for part, of_part in by_part.items() if of_part}
    if not found and len(files) == 1:
        found = {"all": files}
    if not found:
        raise _no_parts(task, folder)
    _check_clash(folder, found)
    for part, of_part in found.items():
        _check_shards(folder, part, of_part)
    _say_unused(places, found)
    return found


def _part_of(file: Path) -> str | None:
    stem = stem_of(file)
    shard = _SHARD.fullmatch(stem)
    part = shard["part"] if shard else stem
    return part if part in SPLIT_OF else None


def _no_parts(task: Task, folder: Path) -> InputError:
    names = ", ".join(sorted(f.name for f in folder.iterdir())[:8]) or "an empty folder"
    return InputError(
        folder,
        got=names,
        expected=f"{task.name}/{task.name}_train.json, or one each of train.*, validation.*, "
        "test.*, or one file",
        fix="give the file itself with --data, or name the files after their splits",
    )


def _check_clash(where: Path, parts: Iterable[str]) -> None:
    """Two parts that are the same split, as `dev` and `valid` are."""
    names = list(parts)
    for split in {SPLIT_OF[part] for part in names}:
        same = [part for part in names if SPLIT_OF[part] == split]
        if len(same) > 1:
            raise InputError(
                where,
                got=f"{' and '.join(same)}, which are both {split}",
                expected="one each of train, validation and test",
                fix="rename or remove one of them",
            )


def _check_shards(folder: Path, part: str, files: Sequence[Path]) -> None:
    """Several files of a part are its shards: numbered, of one format, and all there."""
    shards = [_SHARD.fullmatch(stem_of(file)) for file in files]
    names = ", ".join(file.name for file in files)
    if len(files) > 1:
        numbers = {int(shard["number"]) for shard in shards if shard}
        if len(numbers) < len(files) or len({suffix_of(file) for file in files}) > 1:
            raise InputError(
                folder,
                got=f"several files of {part}: {names}",
                expected="one file, or numbered shards of one format",
                fix="remove those that are copies",
            )
    counts = {int(shard["count"]) for shard in shards if shard and shard["count"]}
    if counts and counts != {len(files)}:
        raise InputError(
            folder,
            got=f"{len(files)} of {max(counts)} shards of {part}: {names}",
            expected="all of them",
            fix="get the missing files",
        )


def _say_unused(places: Iterable[Path], found: Mapping[str, Sequence[Path]]) -> None:
    used = {file for files in found.values() for file in files}
    seen = [f for place in places if place.is_dir() for f in sorted(place.iterdir())]
    unused = [
        file.name
        for file in seen
        if file.is_file()
        and file not in used
        and not file.name.startswith((".", "README", "LICENSE"))
        and file.suffix.lower() not in _NO_DATA
    ]
    if unused:
        shown = ", ".join(unused[:8]) + (", ..." if len(unused) > 8 else "")
        say(f"files beside the data that are not used: {shown}")
