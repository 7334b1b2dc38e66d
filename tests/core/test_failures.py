"""What any machine may do to a command is one line; a bug is a traceback."""

import errno
import json
import pickle
import resource
import signal
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from dsbs.core.errors import InputError
from dsbs.core.failures import explained, explaining


def damaged_parquet(folder: Path) -> None:
    import pyarrow.parquet as pq

    (folder / "x.parquet").write_bytes(b"PAR1 no table PAR1")
    pq.read_table(folder / "x.parquet")


def damaged_weights(folder: Path) -> None:
    from safetensors.torch import load_file

    (folder / "x.safetensors").write_bytes(b"\xff" * 100)
    load_file(folder / "x.safetensors")


def damaged_checkpoint(folder: Path) -> None:
    import torch

    torch.save({"a": torch.zeros(1000)}, folder / "x.pt")
    content = (folder / "x.pt").read_bytes()
    (folder / "x.pt").write_bytes(content[: len(content) // 2])
    torch.load(folder / "x.pt")


def damaged_store(folder: Path) -> None:
    (folder / "x.sqlite").write_bytes(b"SQLite format 3\0" + b"\xff" * 4096)
    sqlite3.connect(folder / "x.sqlite").execute("SELECT * FROM meta")


def no_memory(folder: Path) -> None:
    import torch

    torch.empty(2**50)


def full_disk_of_torch(folder: Path) -> None:
    import torch

    torch.save({"a": torch.zeros(100_000)}, "/dev/full")


def deep_json(folder: Path) -> None:
    json.loads("[" * 100_000)


def no_unpickling(folder: Path) -> None:
    pickle.loads(b"garbage")


def division_in_a_template(folder: Path) -> None:
    import jinja2

    jinja2.Template("{% if %}")


def full_disk(folder: Path) -> None:
    with open("/dev/full", "w") as file:
        file.write("x")
        file.flush()


@pytest.mark.parametrize(
    "meet",
    [
        damaged_parquet, damaged_weights, damaged_checkpoint, damaged_store, no_memory,
        full_disk_of_torch, deep_json, no_unpickling, division_in_a_template, full_disk,
        lambda folder: (folder / "missing" / "x").write_text("x"),
        lambda folder: (folder / ("x" * 300)).write_text("x"),
        lambda folder: b"\xff".decode(),
        lambda folder: __import__("no_such_package"),
    ],
)  # fmt: skip
def test_what_a_machine_may_do_is_one_line(meet: Callable[[Path], Any], tmp_path: Path) -> None:
    with pytest.raises(InputError) as found, explaining("dsbs stage"):
        meet(tmp_path)
    text = str(found.value)
    assert "\n" not in text
    assert ": got " in text
    assert "; expected " in text


def test_a_full_disk_says_what_to_do(tmp_path: Path) -> None:
    error = OSError(errno.ENOSPC, "No space left on device", str(tmp_path / "file"))
    found = str(explained(error, "dsbs train"))
    assert found == (
        f"{tmp_path}/file: got No space left on device; expected room on the disk; free some; "
        "what was finished stays, and the same command goes on from there"
    )


def recursion() -> None:
    recursion()


@pytest.mark.parametrize(
    "bug",
    [
        lambda: {}["x"],
        lambda: [].x,  # type: ignore[attr-defined]
        lambda: int("x"),
        lambda: 1 / 0,
        recursion,
        lambda: __import__("dsbs.no_such_module"),
        lambda: sqlite3.connect(":memory:").execute("SELECT ?"),
    ],
)
def test_a_bug_is_not_explained(bug: Callable[[], Any]) -> None:
    with pytest.raises(Exception) as found:  # noqa: PT011 - any kind
        bug()
    assert explained(found.value, "x") is None


def test_a_disk_that_is_full_at_any_byte_of_a_checkpoint(tmp_path: Path) -> None:
    """torch has another error for each place in its file."""
    import torch

    state = {"step": torch.zeros(1), "a": torch.zeros(20_000), "b": torch.zeros(3_000)}
    torch.save(state, tmp_path / "whole")
    size = (tmp_path / "whole").stat().st_size
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    unexplained = set()
    for limit in [*range(0, size, 997), *range(size - 2_000, size, 50)]:
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, before[1]))
        try:
            torch.save(state, tmp_path / "part")
        except Exception as error:
            if "room on the disk" not in str(explained(error, "here")):
                unexplained.add(str(error))
        else:
            unexplained.add(f"no error at {limit}")
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert not unexplained
