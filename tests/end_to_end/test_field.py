"""Small inputs as people have them, from public bug reports and habits, through the commands.

They lie outside the project, at `DSBS_FIELD`; what must hold of each is in `support.field_cases`.
"""

import importlib
import io
import json
import re
import shlex
import shutil
import sys
import unicodedata
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import pyarrow.parquet as pq
import pytest

from support.field_cases import CASES, FIELD, SLOW, Wanted, stated_answers
from support.field_server import field_server

NAMES = [pytest.param(n, marks=pytest.mark.slow) if n in SLOW else n for n in CASES]


@pytest.fixture(scope="module")
def port(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """The port of a server whose model's name says how it answers."""
    if not FIELD.is_dir():
        pytest.skip(f"no field cases at {FIELD}; set DSBS_FIELD to their folder")
    with field_server(FIELD / "server.py", tmp_path_factory.mktemp("server")) as found:
        yield found


def run(line: str, port: int, stdin: bytes, monkeypatch: pytest.MonkeyPatch) -> object:
    """Run a command of a case in this process. Gives its exit code."""
    _, _, module, *arguments = shlex.split(line.replace(":8765/", f":{port}/"))
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(stdin)))
    with pytest.raises(SystemExit) as ended:
        importlib.import_module(module).STAGE.main(arguments)
    return ended.value.code


def requests(port: int) -> int:
    """How many requests the server has had."""
    with urlopen(f"http://127.0.0.1:{port}/_count") as reply:
        return sum(json.load(reply).values())


def answers(folder: Path) -> list[dict[str, Any]]:
    """The answers that the commands of a case left."""
    files = sorted(folder.glob("run*/data/*.parquet"))
    return [row for file in files for row in pq.read_table(file).to_pylist()]


@pytest.mark.parametrize("name", NAMES)
def test_an_input_as_people_have_it(
    name: str,
    port: int,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    wanted = CASES[name]
    folder = tmp_path / "case"
    shutil.copytree(FIELD / name, folder)
    monkeypatch.chdir(folder)
    commands = (folder / "command").read_text().splitlines()
    given = [b""] * (len(commands) - len(wanted.given)) + [*wanted.given]
    before = requests(port)
    codes = [
        run(line, port, stdin, monkeypatch) for line, stdin in zip(commands, given, strict=True)
    ]
    printed = "\n".join(capfd.readouterr())
    assert codes == list(wanted.codes * (len(commands) // len(wanted.codes))), printed
    assert "Traceback" not in printed
    assert wanted.requests is None or requests(port) - before <= wanted.requests
    for said in wanted.says:
        assert re.search(said, printed), (said, printed)
    check(wanted, folder)


def check(wanted: Wanted, folder: Path) -> None:
    """The answers of a case are those that are wanted, and those that it states itself."""
    found = answers(folder)
    if wanted.outcomes is not None:
        assert Counter(row["outcome"] for row in found) == wanted.outcomes
    by_id = {row["id"]: row for row in found}
    for identity, parts in wanted.rows.items():
        columns = ("outcome", "label", "gold", "input")
        assert tuple(by_id[identity][c] for c, _ in zip(columns, parts, strict=False)) == parts
    for stated in stated_answers(folder):
        row = by_id[stated.id]
        assert row["outcome"] == stated.outcome or stated.outcome is None, row
        label = stated.label and unicodedata.normalize("NFC", stated.label)
        assert row["label"] == label or label is None, row


def test_every_case_is_looked_at() -> None:
    if not FIELD.is_dir():
        pytest.skip(f"no field cases at {FIELD}; set DSBS_FIELD to their folder")
    there = {path.name for path in FIELD.iterdir() if path.is_dir()}
    assert there - {"71-t5-unknown-characters"} == set(CASES)
