"""Examples of a task from wherever its rows are.

That is the paper's release, a user's files, or a data set of the `datasets` library.
"""

from array import array
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import chain, combinations, islice, repeat
from pathlib import Path
from typing import TYPE_CHECKING

from dsbs.core.errors import InputError
from dsbs.core.hashing import short_hash
from dsbs.core.records import SPLITS, Split
from dsbs.data.examples import SPLIT_OF, Read, content_hash, examples_of, id_twice
from dsbs.data.readers import is_data_file
from dsbs.data.sources import Source, find_source
from dsbs.data.splits import cut_80_10_10, cut_validation, occurrences
from dsbs.data.spool import Spool, SpooledExamples
from dsbs.data.tally import Tally
from dsbs.tasks.prompts import load_task, render_input
from dsbs.tasks.task import Task

if TYPE_CHECKING:
    import numpy as np  # inside the functions, because --help shall not wait for it
    from numpy.typing import NDArray


@dataclass(frozen=True)
class TaskData:
    """The examples of every split that the data has, in the order of the source."""

    splits: Mapping[Split, SpooledExamples]
    files: tuple[Path, ...]
    """The files they came from."""
    parts: Mapping[Split, str]
    """The source's own names of the splits ("valid" for validation), where it has splits."""
    skipped: int = 0
    """Rows that were skipped because they lack a field."""

    def with_validation(self, seed: int = 0) -> "TaskData":
        """The same with a validation split: a tenth of train where the data has none.

        It is the same tenth for every run.
        """
        if "validation" in self.splits:
            return self
        train = self.splits.get("train", SpooledExamples(Spool(), (), "train"))
        groups = train.groups()
        grouped = bool(groups) and groups != train.contents()
        held = cut_validation(groups if grouped else train.places, seed, grouped=grouped)
        kept = train.chosen((not one for one in held), "train")
        validation = train.chosen(held, "validation")
        return replace(self, splits={**self.splits, "train": kept, "validation": validation})


def load_data(
    task: Task, path: Path | None, *, split_seed: int = 0, skip_incomplete: bool = False
) -> TaskData:
    """Read every split of the task's data. Rows without splits are cut 80/10/10 by `split_seed`.

    The examples lie in a temporary file; see `Spool` for what of them stays in memory.

    Args:
        task: the task that the rows belong to.
        path: a file or folder. Default: the task's own data, else its hub data set.
        split_seed: seed of the cut of rows without splits.
        skip_incomplete: leave out, and count, rows that lack a field that the task needs.

    Raises:
        InputError: for anything that docs/data.md refuses.
    """
    source = find_source(task, path)
    spool = Spool()
    stems = array("Q")
    named = array("b")
    skipped = 0
    places: dict[Split, array[int]] = {}
    for part in source.parts:
        start = len(spool)
        tally = Tally()
        for read in _read_part(task, source, part, skip_incomplete, tally):
            spool.add(read.example, read.content)
            stems.append(int(short_hash(read.example.id), 16))
            named.append(read.given is not None)
        tally.report(f"{path or task.name}" if part == "all" else f"{path or task.name}: {part}")
        skipped += tally.skipped
        for place, split in enumerate(_splits_of(part, spool, start, split_seed), start):
            places.setdefault(split, array("I")).append(place)
    spool.numbers = array("i", occurrences(stems).tobytes())
    _check_ids(task, source, spool, named, skip_incomplete)
    parts = {known: part for part in source.parts if (known := SPLIT_OF[part])}
    splits: dict[Split, SpooledExamples] = {
        s: SpooledExamples(spool, places[s], s) for s in SPLITS if s in places
    }
    return TaskData(splits, source.files, parts, skipped)


def _read_part(
    task: Task, source: Source, part: str, skip_incomplete: bool, tally: Tally
) -> Iterator[Read]:
    rows = source.parts[part]()
    return examples_of(
        task, part, rows, source.columns, skip_incomplete=skip_incomplete, tally=tally
    )


def _splits_of(part: str, spool: Spool, start: int, seed: int) -> Iterable[Split]:
    """The split of every example of a part, whose examples start at this place."""
    split = SPLIT_OF[part]
    if split is not None:
        return repeat(split, len(spool) - start)
    return cut_80_10_10(spool.groups[start:] or spool.contents[start:], seed)


def _check_ids(
    task: Task, source: Source, spool: Spool, named: Sequence[int], skip_incomplete: bool
) -> None:
    """Ids that came with the rows stay as they are, and none may come twice."""
    for place, given in enumerate(named):
        if given and spool.numbers[place]:
            parts = (
                _read_part(task, source, part, skip_incomplete, Tally()) for part in source.parts
            )
            again = next(islice(chain.from_iterable(parts), place, None))
            raise id_twice(again.where, again.example.id)
        if given:
            spool.numbers[place] = -1


def extra_examples(
    task: Task, named_paths: Iterable[str], *, skip_incomplete: bool = False
) -> SpooledExamples:
    """Inputs of other tasks, given as NAME=PATH, as extra training inputs.

    They have no gold label, the split `extra`, and ids "NAME-...".

    Raises:
        InputError: where the other task does not have the same fields.
    """
    spool = Spool()
    for name, path in extra_files(named_paths):
        other = load_task(name)
        if set(other.columns.fields) != set(task.columns.fields):
            raise InputError(
                f"--extra-unlabeled {name}",
                got=f"fields {sorted(other.columns.fields)}",
                expected=f"the fields of {task.name}: {sorted(task.columns.fields)}",
                fix="write a prompt file that maps its columns to these fields",
            )
        data = load_data(other, path, skip_incomplete=skip_incomplete)
        for e in chain.from_iterable(data.splits.values()):
            text = render_input(task, e.fields, e.choices)
            spool.add(replace(e, id=f"{other.name}-{e.id}", gold=None, input=text), content_hash(e))
    return SpooledExamples(spool, range(len(spool)), "extra")


def extra_files(named_paths: Iterable[str]) -> list[tuple[str, Path]]:
    """NAME=PATH as (task name, file).

    Raises:
        InputError: for another form, or a path that is no file and no folder with one.
    """
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
        files = sorted(filter(is_data_file, Path(path).glob("*")))
        if Path(path).is_file():
            files = [Path(path)]
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
        name: np.sort(rows.contents())
        for name in ("train", "validation", "test")
        if (rows := data.splits.get(name))
    }
    return {
        f"{a} and {b}": _also_there(contents[b], contents[a]) for a, b in combinations(contents, 2)
    }


def _also_there(values: "NDArray[np.uint64]", others: "NDArray[np.uint64]") -> int:
    """How many values are among the others, which ascend. `np.isin` takes 90 bytes per value."""
    import numpy as np

    places = np.minimum(np.searchsorted(others, values), len(others) - 1)
    return int((others[places] == values).sum())
