"""Examples of a task from wherever its rows are: the paper's release, a user's files, or a `datasets` data set."""

import json
from array import array
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import chain, combinations, islice, repeat
from pathlib import Path
from typing import cast

from dsbs.core.errors import InputError
from dsbs.core.files import packaged
from dsbs.core.hashing import short_hash
from dsbs.core.records import SPLITS, Example, Split
from dsbs.data.examples import SPLIT_OF, content_hash, examples_of, id_twice
from dsbs.data.readers import SUFFIXES, Rows, read_hub, read_rows
from dsbs.data.splits import cut_80_10_10, cut_validation, occurrences
from dsbs.data.spool import Shelf, Shelved
from dsbs.tasks.prompts import load_task, render_input
from dsbs.tasks.task import Columns, HubSource, Task


@dataclass(frozen=True)
class TaskData:
    """The examples of every split that the data has, in the order of the source, and the files they came from.

    `parts` are the source's own names of the splits ("valid" for validation), where it has splits.
    """

    splits: Mapping[Split, Shelved]
    files: tuple[Path, ...]
    parts: Mapping[Split, str]

    def with_validation(self, seed: int = 0) -> "TaskData":
        """The same with a validation split: a tenth of train where the data has none, the same for every run."""
        if "validation" in self.splits:
            return self
        train = self.splits.get("train", Shelved(Shelf(), (), "train"))
        groups = train.groups()
        grouped = bool(groups) and groups != train.contents()
        held = cut_validation(groups if grouped else train.places, seed, grouped=grouped)
        kept = train.of((not one for one in held), "train")
        return replace(
            self, splits={**self.splits, "train": kept, "validation": train.of(held, "validation")}
        )


def load_data(task: Task, path: Path | None, *, split_seed: int = 0) -> TaskData:
    """Read every split of the task's data. Rows without splits are cut 80/10/10 by `split_seed`.

    The examples lie in a temporary file; see `Shelf` for what of them stays in memory. InputError for missing columns,
    broken rows, labels outside the set, duplicate ids, and empty or unknown files.
    """
    source = _find_source(task, path)
    shelf, stems, named = Shelf(), array("Q"), array("b")
    places: dict[Split, array[int]] = {}
    for part, rows in source.parts.items():
        start = len(shelf)
        for read in examples_of(task, part, rows(), source.columns):
            shelf.add(read.example, read.content)
            stems.append(int(short_hash(read.example.id), 16))
            named.append(read.named)
        units = shelf.groups[start:] or shelf.contents[start:]
        cut = cut_80_10_10(units, split_seed) if SPLIT_OF[part] == "all" else repeat(SPLIT_OF[part])
        for place, split in zip(range(start, len(shelf)), cut, strict=False):
            places.setdefault(cast(Split, split), array("I")).append(place)
    shelf.numbers = array("i", occurrences(stems).tobytes())
    _check_ids(source, shelf, named)
    parts = {cast(Split, SPLIT_OF[part]): part for part in source.parts if part != "all"}
    return TaskData(
        {s: Shelved(shelf, places[s], s) for s in SPLITS if s in places}, source.files, parts
    )


def _check_ids(source: "_Source", shelf: Shelf, named: Sequence[int]) -> None:
    """Ids that came with the rows stay as they are, and none may come twice."""
    for place, given in enumerate(named):
        if given and shelf.numbers[place]:
            rows = chain.from_iterable(rows() for rows in source.parts.values())
            where, _ = next(islice(rows, place, None))
            raise id_twice(where, shelf.get(place, "train").id.rpartition("-")[0])
        if given:
            shelf.numbers[place] = -1


def extra_examples(task: Task, named_paths: Iterable[str]) -> Shelved:
    """Inputs of other tasks, given as NAME=PATH, as extra training inputs: no gold label, split `extra`, ids "NAME-...".

    InputError where the other task does not have the same fields.
    """
    shelf = Shelf()
    for name, path in extra_files(named_paths):
        other = load_task(name)
        if set(other.columns.fields) != set(task.columns.fields):
            raise InputError(
                f"--extra-unlabeled {name}",
                got=f"fields {sorted(other.columns.fields)}",
                expected=f"the fields of {task.name}: {sorted(task.columns.fields)}",
                fix="write a prompt file that maps its columns to these fields",
            )
        for e in chain.from_iterable(load_data(other, path).splits.values()):
            text = render_input(task, e.fields, e.choices)
            shelf.add(replace(e, id=f"{other.name}-{e.id}", gold=None, input=text), content_hash(e))
    return Shelved(shelf, range(len(shelf)), "extra")


def extra_files(named_paths: Iterable[str]) -> list[tuple[str, Path]]:
    """NAME=PATH as (task name, file). InputError for another form or a path that is no file (or folder with one)."""
    found = []
    for named in named_paths:
        name, _, path = named.partition("=")
        if not path:
            raise InputError(
                "--extra-unlabeled",
                got=repr(named),
                expected="NAME=PATH",
                fix="e.g. asdiv=data/ASDiv.xml",
            )
        files = (
            [Path(path)]
            if Path(path).is_file()
            else sorted(f for f in Path(path).glob("*") if f.suffix in SUFFIXES)
        )
        if len(files) != 1:
            got = f"{len(files)} files at {path}"
            raise InputError(
                f"--extra-unlabeled {name}", got=got, expected="one file", fix="name the file"
            )
        found.append((name, files[0]))
    return found


def overlaps(data: TaskData) -> dict[str, int]:
    """How many inputs of one split stand in another as well, word for word."""
    import numpy as np

    contents = {
        name: rows.contents()
        for name in ("train", "validation", "test")
        if (rows := data.splits.get(name))
    }
    return {
        f"{a} and {b}": int(np.isin(contents[b], contents[a]).sum())
        for a, b in combinations(contents, 2)
    }


def unlabelled_examples(task: Task, rows: Rows) -> Iterator[Example]:
    """Examples of rows that somebody wants labelled: no gold label is read; ids are the user's, or made of the content."""
    columns = [c.model_copy(update={"gold": None}) for c in [task.columns, *_hub_columns(task)]]
    seen: Counter[str] = Counter()
    for where, example, _, named in examples_of(task, "test", rows, columns):
        if named and seen[example.id]:
            raise id_twice(where, example.id)
        yield example if named else replace(example, id=f"{example.id}-{seen[example.id]}")
        seen[example.id] += 1


@dataclass(frozen=True)
class _Source:
    parts: Mapping[str, Callable[[], Rows]]
    columns: Sequence[Columns]
    files: tuple[Path, ...] = ()


def _find_source(task: Task, path: Path | None) -> _Source:
    columns = [task.columns, *_hub_columns(task)]
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
        return _hub_source(task.hub, task.hub.splits, columns)
    if not path.exists():
        raise InputError(
            "--data", got=f"no such path: {path}", expected="a file or folder", fix="check the path"
        )
    if path.is_dir() and (
        (path / "dataset_dict.json").is_file() or (path / "dataset_info.json").is_file()
    ):
        return _saved_source(path, columns)
    parts = {"all": [path]} if path.is_file() else _files_of_folder(task, path)
    readers = {part: partial(_read_files, files) for part, files in parts.items()}
    return _Source(readers, columns, tuple(file for files in parts.values() for file in files))


def _hub_columns(task: Task) -> list[Columns]:
    return [task.hub.columns] if task.hub and task.hub.columns else []


def _read_files(files: Sequence[Path]) -> Rows:
    for file in files:
        yield from read_rows(file)


def _hub_source(hub: HubSource, splits: Mapping[str, str], columns: Sequence[Columns]) -> _Source:
    return _Source({part: partial(read_hub, hub, name) for part, name in splits.items()}, columns)


def _saved_source(path: Path, columns: Sequence[Columns]) -> _Source:
    """A folder that `datasets` saved: one data set without splits, or a dictionary of them."""
    index = path / "dataset_dict.json"
    names = json.loads(index.read_text())["splits"] if index.is_file() else ["all"]
    hub = HubSource(path=str(path), splits={name: name for name in names if name in SPLIT_OF})
    return _hub_source(hub, hub.splits, columns)


def _files_of_folder(task: Task, folder: Path) -> dict[str, list[Path]]:
    """The files of each part: `<task>/<task>_<part>.json` of the release, else `<part>.*` or `<part>-*`, else one file."""
    for place in (folder / task.name, folder):
        found = {
            part: [file]
            for part in SPLIT_OF
            if (file := place / f"{task.name}_{part}.json").is_file()
        }
        if found:
            return found
    files = sorted(
        f for place in (folder, folder / "data") for f in place.glob("*") if f.suffix in SUFFIXES
    )
    named = {
        part: [f for f in files if f.stem == part or f.stem.startswith(f"{part}-")]
        for part in SPLIT_OF
    }
    found = {part: matching for part, matching in named.items() if matching}
    if not found and len(files) == 1:
        found = {"all": files}
    clash = Counter(SPLIT_OF[part] for part in found)
    if not found or max(clash.values()) > 1:
        names = ", ".join(sorted(f.name for f in folder.iterdir())[:8]) or "an empty folder"
        raise InputError(
            folder,
            got=names,
            expected=f"{task.name}/{task.name}_train.json, or one each of train.*, validation.*, test.*, or one file",
            fix="give the file itself with --data, or name the files after their splits",
        )
    return found
