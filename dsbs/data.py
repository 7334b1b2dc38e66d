"""Examples of a task from wherever its rows are: the paper's release, a user's files, or a `datasets` data set."""

import hashlib
import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any, cast

from jinja2 import UndefinedError

from dsbs.errors import InputError
from dsbs.labels import LETTERS, fold, match_label
from dsbs.prompting import load_task, packaged, render_input, render_template
from dsbs.readers import SUFFIXES, Rows, read_hub, read_rows
from dsbs.records import SPLITS, Example, Split
from dsbs.splits import cut_80_10_10, cut_validation
from dsbs.tasks import Columns, HubSource, Task

_SPLIT_OF = {
    "train": "train",
    "validation": "validation",
    "valid": "validation",
    "val": "validation",
    "dev": "validation",
}
_SPLIT_OF |= {"test": "test", "all": "all"}


@dataclass(frozen=True)
class TaskData:
    """The examples of every split that the data has, in the order of the source, and the files they came from.

    `parts` are the source's own names of the splits ("valid" for validation), where it has splits.
    """

    splits: Mapping[Split, Sequence[Example]]
    files: tuple[Path, ...]
    parts: Mapping[Split, str]

    def with_validation(self, seed: int = 0) -> "TaskData":
        """The same with a validation split: a tenth of train where the data has none, the same for every run."""
        if "validation" in self.splits:
            return self
        train = self.splits.get("train", ())
        grouped = any(example.group for example in train)
        chosen = cut_validation([example.group or example.id for example in train], seed, grouped=grouped)
        parts: dict[Split, Sequence[Example]] = {
            "train": [e for e, held in zip(train, chosen, strict=True) if not held],
            "validation": [replace(e, split="validation") for e, held in zip(train, chosen, strict=True) if held],
        }
        return replace(self, splits={**self.splits, **parts})


def load_data(task: Task, path: Path | None, *, split_seed: int = 0) -> TaskData:
    """Read every split of the task's data. Rows without splits are cut 80/10/10 by `split_seed`.

    InputError for missing columns, broken rows, labels outside the set, duplicate ids, and empty or unknown files.
    """
    source = _find_source(task, path)
    ids: Counter[str] = Counter()
    splits: dict[Split, list[Example]] = {}
    for part, rows in source.parts.items():
        examples = list(_examples(task, part, rows, source.columns, ids))
        if _SPLIT_OF[part] == "all":
            cut = cut_80_10_10([e.group or content_hash(e) for e in examples], split_seed)
            examples = [replace(e, split=cast(Split, split)) for e, split in zip(examples, cut, strict=True)]
        for example in examples:
            splits.setdefault(example.split, []).append(example)
    parts = {cast(Split, _SPLIT_OF[part]): part for part in source.parts if part != "all"}
    return TaskData({split: splits[split] for split in SPLITS if split in splits}, source.files, parts)


def extra_examples(task: Task, named_paths: Iterable[str]) -> list[Example]:
    """Inputs of other tasks, given as NAME=PATH, as extra training inputs: no gold label, split `extra`, ids "NAME-...".

    InputError where the other task does not have the same fields.
    """
    found: list[Example] = []
    for name, path in extra_files(named_paths):
        other = load_task(name)
        if set(other.columns.fields) != set(task.columns.fields):
            raise InputError(
                f"--extra-unlabelled {name}",
                got=f"fields {sorted(other.columns.fields)}",
                expected=f"the fields of {task.name}: {sorted(task.columns.fields)}",
                fix="write a prompt file that maps its columns to these fields",
            )
        for split in load_data(other, path).splits.values():
            found += [
                replace(
                    e,
                    id=f"{other.name}-{e.id}",
                    split="extra",
                    gold=None,
                    input=render_input(task, e.fields, e.choices),
                )
                for e in split
            ]
    return found


def extra_files(named_paths: Iterable[str]) -> list[tuple[str, Path]]:
    """NAME=PATH as (task name, file). InputError for another form or a path that is no file (or folder with one)."""
    found = []
    for named in named_paths:
        name, _, path = named.partition("=")
        if not path:
            raise InputError("--extra-unlabelled", got=repr(named), expected="NAME=PATH", fix="e.g. asdiv=data/ASDiv.xml")
        files = [Path(path)] if Path(path).is_file() else sorted(f for f in Path(path).glob("*") if f.suffix in SUFFIXES)
        if len(files) != 1:
            got = f"{len(files)} files at {path}"
            raise InputError(f"--extra-unlabelled {name}", got=got, expected="one file", fix="name the file")
        found.append((name, files[0]))
    return found


def content_hash(example: Example) -> str:
    """What a student is asked, as 16 hex digits; the label is not part of it."""
    content = json.dumps([example.fields, example.choices], sort_keys=True, ensure_ascii=False)
    return hashlib.sha256(content.encode()).hexdigest()[:16]


def overlap(examples: Iterable[Example], held_out: Iterable[Example]) -> list[str]:
    """Ids among `examples` whose content also stands in `held_out`."""
    seen = {content_hash(example) for example in held_out}
    return [example.id for example in examples if content_hash(example) in seen]


def unlabelled_examples(task: Task, rows: Rows) -> Iterator[Example]:
    """Examples of rows that somebody wants labelled: no gold label is read; ids are the user's, or made of the content."""
    columns = [c.model_copy(update={"gold": None}) for c in [task.columns, *_hub_columns(task)]]
    yield from _examples(task, "test", lambda: rows, columns, Counter())


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
            raise InputError("--data", got="nothing", expected="a file or folder", fix="the task names no hub data set")
        return _hub_source(task.hub, task.hub.splits, columns)
    if not path.exists():
        raise InputError("--data", got=f"no such path: {path}", expected="a file or folder", fix="check the path")
    if path.is_dir() and ((path / "dataset_dict.json").is_file() or (path / "dataset_info.json").is_file()):
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
    hub = HubSource(path=str(path), splits={name: name for name in names if name in _SPLIT_OF})
    return _hub_source(hub, hub.splits, columns)


def _files_of_folder(task: Task, folder: Path) -> dict[str, list[Path]]:
    """The files of each part: `<task>/<task>_<part>.json` of the release, else `<part>.*` or `<part>-*`, else one file."""
    for place in (folder / task.name, folder):
        found = {part: [file] for part in _SPLIT_OF if (file := place / f"{task.name}_{part}.json").is_file()}
        if found:
            return found
    files = sorted(f for place in (folder, folder / "data") for f in place.glob("*") if f.suffix in SUFFIXES)
    named = {part: [f for f in files if f.stem == part or f.stem.startswith(f"{part}-")] for part in _SPLIT_OF}
    found = {part: matching for part, matching in named.items() if matching}
    if not found and len(files) == 1:
        found = {"all": files}
    clash = Counter(_SPLIT_OF[part] for part in found)
    if not found or max(clash.values()) > 1:
        names = ", ".join(sorted(f.name for f in folder.iterdir())[:8]) or "an empty folder"
        raise InputError(
            folder,
            got=names,
            expected=f"{task.name}/{task.name}_train.json, or one each of train.*, validation.*, test.*, or one file",
            fix="give the file itself with --data, or name the files after their splits",
        )
    return found


def _examples(
    task: Task, part: str, rows: Callable[[], Rows], layouts: Sequence[Columns], ids: Counter[str]
) -> Iterable[Example]:
    columns: Columns | None = None
    for where, row in rows():
        columns = columns or _fitting(layouts, row)
        example = _example(task, columns, part, where, row)
        given = columns.id is not None and columns.id in row
        stem = str(row[columns.id]) if given else f"{part}-{content_hash(example)}"  # type: ignore[index]
        if given and ids[stem]:
            raise InputError(where, got=f"id {stem!r} a second time", expected="ids that differ", fix="mend the ids")
        ids[stem] += 1
        yield replace(example, id=stem if given else f"{stem}-{ids[stem] - 1}")


def _fitting(layouts: Sequence[Columns], row: Mapping[str, Any]) -> Columns:
    """The first layout whose plain columns the row has, else the task's own (whose error then names what is missing)."""
    for layout in layouts:
        if all(column in row for column in layout.fields.values() if "{{" not in column):
            try:
                for spec in layout.fields.values():
                    _value(spec, row, "")
            except InputError:
                continue
            return layout
    return layouts[0]


def _example(task: Task, columns: Columns, part: str, where: str, row: Mapping[str, Any]) -> Example:
    fields = {name: _value(spec, row, where) for name, spec in columns.fields.items()}
    choices = _choices(columns.choices, row, where)
    split = "train" if _SPLIT_OF[part] == "all" else _SPLIT_OF[part]
    return Example(
        id="",
        split=cast(Split, split),
        fields=fields,
        input=render_input(task, fields, choices),
        choices=choices,
        gold=_gold(task, columns, choices, where, row),
        group=str(_value(columns.group, row, where)) if columns.group else None,
    )


def _value(spec: str, row: Mapping[str, Any], where: str) -> Any:
    try:
        return render_template(spec, row) if "{{" in spec else row[spec]
    except (KeyError, UndefinedError) as error:
        missing = spec if isinstance(error, KeyError) else str(error.message)
        raise InputError(
            where,
            got=f"columns {', '.join(map(str, row))}",
            expected=f"column {missing!r}",
            fix="rename the column, or map it under `columns` in the prompt file",
        ) from None


def _choices(spec: str | tuple[str, ...] | None, row: Mapping[str, Any], where: str) -> tuple[str, ...]:
    if spec is None:
        return ()
    found = [_value(column, row, where) for column in spec] if isinstance(spec, tuple) else _value(spec, row, where)
    if isinstance(found, str) and found.lstrip().startswith("["):
        try:
            found = json.loads(found)
        except json.JSONDecodeError:
            found = None
    if not isinstance(found, Sequence) or isinstance(found, str) or not 2 <= len(found) <= len(LETTERS):
        raise InputError(
            where,
            got=f"choices {found!r}",
            expected="a list of 2 to 26 options",
            fix="write a list, or name one column each",
        )
    return tuple(str(choice) for choice in found)


def _gold(task: Task, columns: Columns, choices: tuple[str, ...], where: str, row: Mapping[str, Any]) -> str | None:
    """The normalised gold label; None where the row has none. InputError for one that the task does not know."""
    stated = row.get(columns.gold) if columns.gold else None
    if stated is None or str(stated).strip() in ("", "-1"):
        return None
    text = str(stated).strip()
    if columns.gold_names and text.isdigit() and int(text) < len(columns.gold_names):
        text = columns.gold_names[int(text)]
    allowed = task.allowed(choices)
    matched = match_label(task.label.kind, text, allowed)
    inexact = task.label.kind == "class" and matched.label and fold(matched.label) != fold(text)
    if matched.label is None or inexact or (matched.match == "letter" and matched.text):
        if columns.unreadable_gold == "none":
            return None
        raise InputError(
            where,
            got=f"label {text!r}",
            expected=f"one of {', '.join(allowed)}" if allowed else f"a label of kind {task.label.kind}",
            fix="mend the label or leave it empty",
        )
    return matched.label
