"""Servers that answer badly, disks that are full, slow or read-only, clocks that jump, and two
processes that do the same at the same time.
"""

import contextlib
import json
import random
import subprocess
import sys
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from dsbs.artifacts.answer_store import AnswerStore
from faults.conftest import SPLITS, TRAINING, Made
from support.campaign import Counts, Scale
from support.disturbed import Disturbance, Ended, Started, run
from support.killed import CHILDREN, HALF, TRACEBACKS, half_files, has_traceback, remove
from support.loopback import ANSWERS, ECHO, FAULTS
from support.places import DATA
from support.served_farm import Serve, flags, prompts, seen

FIELD_SERVER = DATA.parent / "field" / "server.py"
MANNERS = (
    *("c-ok", "m-list", "m-nullcontent", "m-reasoning", "m-choicesnull", "m-errorobj", "m-filter"),
    *("m-usagepartial", "m-usageempty", "m-usagenull", "m-floatusage", "c-single", "c-list400"),
    *(
        "c-list400str",
        "c-nofinish",
        "c-noindex",
        "c-textnull",
        "c-html",
        "m-html",
        "m-maxtokens400",
    ),
    *("m-temp400", "c-echo", "m-tool", "c-surrogate", "c-poison", "c-stopstr", "c-usagenull"),
)
"""How the server of field cases answers, which is the name of its model."""

UNEXPLAINED = "ends without a line that explains it"
WRONG = "answers of another row"
TWICE = "answers asked again"
UNFINISHED = "rows without an answer in the end"
DIFFERENT = "results that differ"
STUCK = "commands that do not go on"


def explained(ended: Ended, counts: Counts) -> None:
    """Count an end that is neither one of success nor one line about what is wrong."""
    if has_traceback(ended.said):
        counts.broke(TRACEBACKS, ended.said[-1500:])
    if ended.code not in (0, 1) and not (ended.code == 2 and "error: " in ended.said):
        counts.broke(UNEXPLAINED, f"exit code {ended.code}: {ended.said[-1500:]}")
    counts.broke(CHILDREN, ended.said[-300:], ended.children)


def test_a_fifth_of_all_requests_fails_and_two_runs_share_the_store(
    made: Made, serve: Serve, tmp_path: Path, counts: Counts, scale: Scale
) -> None:
    """429, 500, 503, closed connections, truncated JSON, no reply, empty and over-long answers, and
    answers behind their prompt.
    """
    counts.must_stay_zero(UNFINISHED, WRONG, TWICE, TRACEBACKS, UNEXPLAINED, CHILDREN)
    for seed in range(scale(1, 8)):
        folder = tmp_path / str(seed)
        folder.mkdir()
        bad = ("--faults", "0.2", "--fault", *FAULTS, ECHO)
        url = serve("--log", folder / "seen", *bad, "--seed", seed)
        given = ["generate", *flags(made.farm, url), *SPLITS, "--api", "completions"]
        given += ["--store", folder / "shared.sqlite", "--request-timeout", 2]
        given += ["--prompts-per-request", 2, "--concurrency", 6]
        for _ in range(6):
            both = [Started([*given, "--out", folder / name], folder / name) for name in "ab"]
            ends = [one.end() for one in both]
            for ended in ends:
                explained(ended, counts)
            if all(ended.code == 0 for ended in ends):
                break
        counts.done["runs"] += 2
        counts.done["requests"] += seen(folder / "seen").total()
        asked = dict(prompts(made.farm, ("train", "validation", "test")))
        with AnswerStore(folder / "shared.sqlite") as store:
            for name in store.runs():
                for row, completion in store.answers(name):
                    if completion.error is not None:
                        counts.broke(UNFINISHED, f"{row.example.id}: {completion.error}")
                    elif not completion.text.startswith(ANSWERS):
                        counts.broke(WRONG, f"{row.example.id}: {completion.text[:100]}")
        before = seen(folder / "seen")
        explained(run([*given, "--out", folder / "a"], folder / "a"), counts)
        counts.broke(TWICE, folder, (seen(folder / "seen") - before).total())
        assert set(asked.values()) == set(before)
    counts.check()


@pytest.fixture
def field_server(tmp_path: Path) -> Iterator[str]:
    """The server of field cases."""
    if not FIELD_SERVER.is_file():
        pytest.skip(f"no field cases at {FIELD_SERVER.parent}")
    import socket

    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    server = subprocess.Popen([sys.executable, FIELD_SERVER, str(port)], cwd=tmp_path)
    address = f"http://127.0.0.1:{port}"
    for _ in range(200):
        with contextlib.suppress(OSError), urllib.request.urlopen(f"{address}/_count"):
            break
    yield f"{address}/v1"
    server.kill()
    server.wait()


def test_every_manner_of_a_server(
    made: Made, field_server: str, tmp_path: Path, counts: Counts, scale: Scale
) -> None:
    counts.must_stay_zero("rows without an outcome", TRACEBACKS, UNEXPLAINED, CHILDREN)
    for manner in MANNERS if scale.long else MANNERS[::4]:
        out = tmp_path / manner
        rows = ["--task", made.farm.task, "--data", made.farm.data, "--max-rows", 6]
        given = ["generate", *rows, "--engine", "endpoint", "--base-url", field_server]
        ended = run([*given, "--teacher", manner, "--json", "--max-attempts", 2, "--out", out], out)
        counts.done["manners"] += 1
        explained(ended, counts)
        if ended.code == 2:
            continue
        result = json.loads(next(x for x in ended.said.splitlines() if x.startswith('{"')))
        for split in result["splits"].values():
            missing = split["rows"] - sum(split["outcomes"].values())
            counts.broke("rows without an outcome", f"{manner}: {split}", abs(missing))
    counts.check()


@dataclass(frozen=True)
class Stage:
    """A command that is disturbed."""

    arguments: Callable[[Path], Sequence[object]]
    results: tuple[str, ...]
    """Files that must be the same in the end, as patterns; Parquet is compared by rows."""


def stages(made: Made) -> dict[str, Stage]:
    farm = made.farm
    rows = ("--task", farm.task, "--data", farm.data, "--answers-from", farm.answers, *SPLITS)

    def export(out: Path) -> Sequence[object]:
        out.mkdir(exist_ok=True)
        store = made.answered / "answers.sqlite"
        return ["answers", "export", "--store", store, "--out", out / "answers.jsonl"]

    return {
        "generate": Stage(lambda out: ["generate", *rows, "--out", out], ("data/*.parquet",)),
        "export": Stage(export, ("answers.jsonl",)),
        "train": Stage(
            lambda out: ["train", "--answers", made.answered, *TRAINING, "--out", out],
            ("best/*.safetensors",),
        ),
        "evaluate": Stage(
            lambda out: ["evaluate", "--run", made.student, "--out", out], ("predictions.parquet",)
        ),
        "compare": Stage(
            lambda out: [
                *("compare", "--answers", made.answered, *TRAINING, "--methods", "standard"),
                *("--out", out),
            ],
            ("**/best/*.safetensors", "**/predictions.parquet"),
        ),
        "report": Stage(lambda out: ["report", made.compared, "--out", out], ("tables/*.csv",)),
    }


NAMES = ("generate", "export", "train", "evaluate", "compare", "report")


def results(stage: Stage, out: Path) -> dict[str, Any]:
    found = sorted(path for pattern in stage.results for path in out.glob(pattern))
    read = {".parquet": lambda path: pq.read_table(path).to_pylist()}
    return {
        str(path.relative_to(out)): read.get(path.suffix, Path.read_bytes)(path) for path in found
    }


@dataclass(frozen=True)
class Undisturbed:
    """A run that nothing disturbs."""

    results: dict[str, Any]
    largest_file: int


Whole = Callable[[str], Undisturbed]


@pytest.fixture(scope="module")
def whole(made: Made, tmp_path_factory: pytest.TempPathFactory) -> Whole:
    """The undisturbed run of a stage."""
    known: dict[str, Undisturbed] = {}

    def of(name: str) -> Undisturbed:
        if name not in known:
            out = tmp_path_factory.mktemp("whole") / name
            stage = stages(made)[name]
            ended = run(stage.arguments(out), out)
            assert ended.code == 0, ended.said
            sizes = [path.stat().st_size for path in out.rglob("*") if path.is_file()]
            known[name] = Undisturbed(results(stage, out), max(sizes))
            assert known[name].results
        return known[name]

    return of


def goes_on(stage: Stage, out: Path, wanted: Undisturbed, counts: Counts) -> None:
    """The same command without a disturbance ends in the results of an undisturbed one."""
    ended = run(stage.arguments(out), out)
    explained(ended, counts)
    if ended.code != 0:
        counts.broke(STUCK, ended.said[-1500:])
    elif results(stage, out) != wanted.results:
        counts.broke(DIFFERENT, out)
    remove(out)


@pytest.mark.parametrize("name", NAMES)
def test_a_full_disk(
    made: Made, whole: Whole, tmp_path: Path, counts: Counts, scale: Scale, name: str
) -> None:
    """Writing fails at a random size of a file. Where there may be one, also on a small disk."""
    counts.must_stay_zero(DIFFERENT, HALF, STUCK, TRACEBACKS, UNEXPLAINED, CHILDREN)
    stage = stages(made)[name]
    wanted = whole(name)
    rng = random.Random(name)
    for number in range(scale(1, 12)):
        out = tmp_path / f"run-{number}"
        limit = max(4096, int(wanted.largest_file * rng.random()))
        ended = run(stage.arguments(out), out, Disturbance(largest_file=limit))
        counts.done["full disks"] += ended.code != 0
        counts.done["starts"] += 1
        explained(ended, counts)
        for what in half_files(out) if out.exists() else ():
            counts.broke(HALF, what)
        goes_on(stage, out, wanted, counts)
    counts.check()


@contextlib.contextmanager
def small_disk(folder: Path, kilobytes: int) -> Iterator[Path]:
    folder.mkdir()
    options = f"size={kilobytes}k"
    mount = ["mount", "-t", "tmpfs", "-o", options, "tmpfs", folder]
    if subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("mounting a small file system needs rights that this user does not have")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", folder], check=False)


def test_small_and_read_only_disks(
    made: Made, whole: Whole, tmp_path: Path, counts: Counts, scale: Scale
) -> None:
    counts.must_stay_zero(DIFFERENT, HALF, STUCK, TRACEBACKS, UNEXPLAINED, CHILDREN)
    rng = random.Random(1)
    for name in NAMES if scale.long else ("generate", "evaluate"):
        stage = stages(made)[name]
        for number in range(scale(1, 6)):
            kilobytes = int(16 * 500 ** rng.random())
            with small_disk(tmp_path / f"{name}-{number}", kilobytes) as disk:
                for read_only in (False, True):
                    if read_only:
                        subprocess.run(["mount", "-o", "remount,ro", disk], check=True)
                        counts.done["read-only disks"] += 1
                    with contextlib.suppress(OSError):  # to make the folder of an export
                        ended = run(stage.arguments(disk / "out"), tmp_path / "log")
                        counts.done["full disks"] += ended.code != 0 and not read_only
                        explained(ended, counts)
                    for what in half_files(disk / "out") if (disk / "out").exists() else ():
                        counts.broke(HALF, what)
                subprocess.run(["mount", "-o", "remount,rw,size=100m", disk], check=True)
                goes_on(stage, disk / "out", whole(name), counts)
    counts.check()


@pytest.mark.parametrize("name", NAMES)
def test_slow_disks_and_clocks_that_jump(
    made: Made, whole: Whole, tmp_path: Path, counts: Counts, scale: Scale, name: str
) -> None:
    """The clock goes a day back and two days forward at every look, and stops with the disk slow."""
    counts.must_stay_zero(DIFFERENT, STUCK, TRACEBACKS, UNEXPLAINED, CHILDREN)
    stage = stages(made)[name]
    day = 86_400.0
    jumps = {"slow": Disturbance(slow_s=0.02), "clock": Disturbance(clock=(0, -day, day))}
    for what, disturbance in list(jumps.items())[:: 1 if scale.long else -2]:
        out = tmp_path / what
        ended = run(stage.arguments(out), out, disturbance)
        counts.done[what] += 1
        explained(ended, counts)
        if ended.code != 0 or results(stage, out) != whole(name).results:
            counts.broke(DIFFERENT, ended.said[-1500:])
        goes_on(stage, out, whole(name), counts)
    counts.check()


@pytest.mark.parametrize("name", NAMES)
def test_two_processes_at_the_same_time(
    made: Made, whole: Whole, tmp_path: Path, counts: Counts, scale: Scale, name: str
) -> None:
    """One does the work. The other does it too, or says who has the folder."""
    counts.must_stay_zero(DIFFERENT, HALF, STUCK, TRACEBACKS, UNEXPLAINED, CHILDREN)
    stage = stages(made)[name]
    for number in range(scale(1, 8)):
        out = tmp_path / f"run-{number}"
        both = [Started(stage.arguments(out), out) for _ in range(2)]
        ends = [one.end() for one in both]
        counts.done["pairs"] += 1
        for ended in ends:
            explained(ended, counts)
        if all(ended.code for ended in ends):
            counts.broke(STUCK, ends[0].said[-700:] + ends[1].said[-700:])
        for what in half_files(out):
            counts.broke(HALF, what)
        goes_on(stage, out, whole(name), counts)
    counts.check()
