"""Full disks, damaged files, deep and huge values: one line each, and a manifest that is true."""

import contextlib
import errno
import json
import os
import resource
import shutil
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from dsbs import api
from dsbs.artifacts.manifest import read_manifest
from dsbs.core.errors import InputError
from support.farm import Farm
from support.forked import run_forked

TINY = ["--student", "tinier", "--max-steps", "4", "--batch-size", "8", "--eval-every", "2"]


def run(*arguments: Any, **place: Any) -> subprocess.CompletedProcess[str]:
    """A command as a user runs it; `largest_file` in bytes stands for a disk that is full."""
    return run_forked("dsbs.__main__", arguments, **place)


def is_one_line(done: subprocess.CompletedProcess[str]) -> str:
    """The line that says what is wrong."""
    assert done.returncode == 2, done.stderr[-3000:]
    assert "Traceback" not in done.stderr, done.stderr[-3000:]
    (line,) = [text for text in done.stderr.splitlines() if text.startswith("error: ")]
    assert len(line) < 5000
    return line


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Farm:
    """A farm with answers and a student of a few steps. Tests must not change it."""
    farm = Farm(tmp_path_factory.mktemp("trained"))
    farm.generate()
    settings = {"student": "tinier", "max_steps": 4, "batch_size": 8, "eval_every": 2}
    api.train(answers=farm.folder / "answered", out=farm.folder / "student", **settings)
    api.evaluate(run=farm.folder / "student")
    return farm


@pytest.fixture
def copied(trained: Farm, tmp_path: Path) -> Path:
    """A copy of that farm's folder, which tests may damage."""
    return Path(shutil.copytree(trained.folder, tmp_path / "copy"))


def status(folder: Path) -> str:
    """The status as it stands in the file."""
    return str(json.loads((folder / "manifest.json").read_text())["status"])


def test_train_on_a_full_disk(copied: Path) -> None:
    given = ["--answers", "answered", *TINY, "--out", "new"]
    line = is_one_line(run("train", *given, cwd=copied, largest_file=100_000))
    assert "new" in line
    assert status(copied / "new") == "failed"
    assert read_manifest(copied / "new").problem
    again = run("train", *given, cwd=copied)
    assert again.returncode == 0, again.stderr
    assert status(copied / "new") == "done"


def test_generate_evaluate_report_and_export_on_a_full_disk(copied: Path) -> None:
    generate = ["--task", "farm.yaml", "--data", "rows.csv", "--answers-from", "answers.jsonl"]
    is_one_line(run("generate", *generate, "--out", "more", cwd=copied, largest_file=20_000))
    assert status(copied / "more") == "failed"
    evaluate = ["--run", "student", "--split", "train", "--out", "measured"]
    is_one_line(run("evaluate", *evaluate, cwd=copied, largest_file=2_000))
    assert not list((copied / "measured").glob("*.partial"))
    is_one_line(run("report", "student", cwd=copied, largest_file=100_000))
    assert not (copied / "student" / "report" / "report.html").exists()
    for name in ("a.jsonl", "a.parquet"):
        store = ["--store", "answered/answers.sqlite", "--out", name]
        is_one_line(run("answers", "export", *store, cwd=copied, largest_file=1_000))
        assert not (copied / name).exists()


@pytest.fixture
def small_disk(tmp_path: Path) -> Path:
    """A disk of 1 MB."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(folder)]
    if subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("mounting a small disk needs root")
    return folder


def test_a_disk_that_is_really_full_holds_a_true_status(trained: Farm, small_disk: Path) -> None:
    try:
        given = ["--answers", trained.folder / "answered", *TINY, "--out", small_disk / "new"]
        done = run("train", *given, cwd=trained.folder)
        line = is_one_line(done)
        assert "GB free" in line or "room on the disk" in line
        assert status(small_disk / "new") == "failed"
        filled = small_disk / "filled"
        code = "from pathlib import Path; import sys; Path(sys.argv[1]).write_bytes(b'x' * 2**21)"
        subprocess.run([sys.executable, "-c", code, filled], capture_output=True, check=False)
        answers = [
            "--task",
            trained.task,
            "--data",
            trained.data,
            "--answers-from",
            trained.answers,
        ]
        is_one_line(run("generate", *answers, "--out", small_disk / "asked", cwd=trained.folder))
    finally:
        subprocess.run(["umount", str(small_disk)], check=True)


def damage_pages(folder: Path) -> None:
    path = folder / "answered" / "answers.sqlite"
    content = bytearray(path.read_bytes())
    content[4096:] = b"\xa5" * (len(content) - 4096)
    path.write_bytes(content)


def test_damaged_pages_of_the_store(copied: Path) -> None:
    damage_pages(copied)
    store = ["--store", "answered/answers.sqlite"]
    generate = ["--task", "farm.yaml", "--data", "rows.csv", "--answers-from", "answers.jsonl"]
    for arguments in (
        ["answers", "count", *store],
        ["answers", "list", *store],
        ["answers", "export", *store, "--out", "a.jsonl"],
        ["answers", "reparse", *store],
        ["generate", *generate, "--out", "new", *store],
    ):
        assert "answers.sqlite" in is_one_line(run(*arguments, cwd=copied)), arguments


def refused(work: Callable[[], Any]) -> str:
    """The line that says what is wrong."""
    with pytest.raises(InputError) as found:
        work()
    assert len(str(found.value)) < 5000
    return str(found.value)


@pytest.mark.parametrize("content", [b"", b"garbage", b"\xff" * 300])
def test_a_damaged_student(copied: Path, content: bytes) -> None:
    """With checksums that tell, and without any."""
    best = copied / "student" / "best"
    (copied / "in.jsonl").write_text('{"animal": "duck", "sound": "quacks"}\n')
    sums = (best / "SHA256SUMS").read_bytes()
    for name in ("model.safetensors", "dsbs.json", "config.json", "tokenizer.json"):
        kept = (best / name).read_bytes()
        (best / name).write_bytes(content)
        for with_sums in (True, False):
            if not with_sums:
                (best / "SHA256SUMS").unlink()
            given = {"run": copied / "student", "input": str(copied / "in.jsonl")}
            assert "student" in refused(lambda given=given: api.predict(**given)), name
        (best / name).write_bytes(kept)
        (best / "SHA256SUMS").write_bytes(sums)


DEEP = "[" * 5000 + "]" * 5000


@pytest.mark.parametrize(
    "text",
    [
        f'{{"animal": {DEEP}, "sound": "x"}}',
        f'{{"animal": {"[" * 900 + "]" * 900}, "sound": "x"}}',
        f'{{"animal": {"9" * 5000}, "sound": "x"}}',
        '{"animal": 1e999, "sound": "x"}',
        f'{{"animal": ["{"x" * 10_000_000}"], "sound": "x"}}',
        f'{{{", ".join(f"{chr(34)}k{n}{chr(34)}: 1" for n in range(50_000))}, "k0": 2}}',
    ],
    ids=["deep", "rather deep", "long number", "infinite", "long value", "many keys"],
)  # fmt: skip
def test_deep_and_huge_json(farm: Farm, text: str) -> None:
    (farm.folder / "in.jsonl").write_text(text + "\n")
    line = refused(lambda: farm.generate(data=farm.folder / "in.jsonl", out=farm.folder / "new"))
    assert "in.jsonl:1" in line
    assert not (farm.folder / "new").exists()


TEXTS = [DEEP, "{}", "[]", "", '{"stage": {"a": 1}}', '{"schema_version": "x"}']


@pytest.mark.parametrize("name", ["manifest.json", "best/dsbs.json", "best/SHA256SUMS"])
def test_files_of_a_run_that_are_damaged(copied: Path, name: str) -> None:
    for text in TEXTS:
        (copied / "student" / name).write_text(text)
        line = ""
        with contextlib.suppress(InputError):
            api.evaluate(run=copied / "student", split="train", out=copied / "measured")
            line = "a manifest is not needed to measure"
        assert name == "manifest.json" or not line
        if name == "manifest.json":
            refused(lambda: api.report(runs=[copied / "student"]))
            refused(lambda: api.train(answers=copied / "answered", out=copied / "student"))


def test_progress_in_a_missing_folder_is_refused_before_the_first_request(farm: Farm) -> None:
    given = ["--task", farm.task, "--data", farm.data, "--answers-from", farm.answers]
    done = run(
        "generate", *given, "--progress-json", "none/state.json", "--out", "new", cwd=farm.folder
    )
    assert "--progress-json none/state.json: got a file in none, which is no folder" in is_one_line(
        done
    )
    assert not (farm.folder / "new").exists()


def test_a_loss_that_is_no_number(copied: Path) -> None:
    given = ["--answers", "answered", *TINY[:2], "--learning-rate", "1e30", "--out", "new"]
    line = is_one_line(run("train", *given, "--max-steps", "60", cwd=copied))
    assert "a loss of nan" in line or "a loss of inf" in line
    assert status(copied / "new") == "failed"
    shown = run("runs", "new", cwd=copied).stdout
    assert "failed: new: " in shown


BUG = "import dsbs.labeling.label as l, sys\ndef label(job): raise AssertionError('odd')\nl.label = label\n"


def test_a_bug_is_a_traceback_and_asks_to_be_reported(farm: Farm) -> None:
    code = BUG + "import dsbs.generate as g; g.label = label\ng.STAGE.main(sys.argv[1:])"
    given = [
        "--task",
        farm.task,
        "--data",
        farm.data,
        "--answers-from",
        farm.answers,
        "--out",
        "new",
    ]
    done = subprocess.run(
        [sys.executable, "-c", code, *map(str, given)],
        cwd=farm.folder, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 3, done.stderr
    assert "Traceback (most recent call last)" in done.stderr
    last = done.stderr.splitlines()[-1]
    assert last.startswith("error: dsbs generate: got AssertionError: odd; expected no such error")
    assert "please report it" in last
    assert status(farm.folder / "new") == "failed"


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGKILL])
def test_a_run_that_was_stopped_says_so(copied: Path, number: signal.Signals) -> None:
    given = ["--answers", "answered", *TINY[:2], "--max-steps", "100000", "--out", "new"]
    command = [sys.executable, "-m", "dsbs", "train", *given]
    process = subprocess.Popen(command, cwd=copied, stderr=subprocess.DEVNULL)
    end = time.monotonic() + 120
    while not (copied / "new" / "manifest.json").is_file():
        assert time.monotonic() < end
        time.sleep(0.1)
    assert read_manifest(copied / "new").status == "started"
    process.send_signal(number)
    process.wait(60)
    assert read_manifest(copied / "new").status == "stopped"
    if number != signal.SIGKILL:
        assert status(copied / "new") == "stopped"


@pytest.mark.parametrize("umask", [0o022, 0o077])
def test_every_file_has_the_rights_that_the_umask_gives(farm: Farm, umask: int) -> None:
    given = ["--task", farm.task, "--data", farm.data, "--answers-from", farm.answers]
    here = farm.folder / "here"
    here.mkdir()
    for arguments in (
        ["generate", *given, "--out", "asked"],
        ["train", "--answers", "asked", *TINY, "--out", "student"],
        ["evaluate", "--run", "student"],
        ["report", "student"],
        ["answers", "export", "--store", "asked/answers.sqlite", "--out", "a.jsonl"],
        ["answers", "export", "--store", "asked/answers.sqlite", "--out", "a.parquet"],
    ):
        done = run(*arguments, cwd=here, umask=umask)
        assert done.returncode == 0, done.stderr
    rights = {path: stat.S_IMODE(path.stat().st_mode) for path in here.rglob("*")}
    assert len(rights) > 40
    files = {str(path): oct(mode) for path, mode in rights.items() if path.is_file()}
    folders = {str(path): oct(mode) for path, mode in rights.items() if path.is_dir()}
    assert set(files.values()) == {oct(0o666 & ~umask)}, files
    assert set(folders.values()) == {oct(0o777 & ~umask)}, folders


def test_names_with_dots_never_leave_the_folder(copied: Path) -> None:
    """A manifest may come from somebody else: its names become the names of files."""
    path = copied / "answered" / "manifest.json"
    manifest = json.loads(path.read_text())
    before = set(copied.parent.rglob("*"))
    out = copied / "out" / "report"
    for name in ("../../evil", f"{copied}/evil", "a/../../b", "..", "\0x", "x" * 400, "=1+1"):
        manifest["results"] |= {"task": name, "teacher": name}
        path.write_text(json.dumps(manifest))
        with contextlib.suppress(InputError):
            api.report(runs=[copied / "answered"], out=out)
    made = set(copied.parent.rglob("*")) - before
    assert made
    assert all(one == out.parent or one == out or one.is_relative_to(out) for one in made)


def test_the_limit_on_files_stands_for_a_full_disk(tmp_path: Path) -> None:
    """What the tests above rest on: a write beyond the limit fails, as on a full disk."""
    code = "import sys; open(sys.argv[1], 'wb').write(b'x' * 10_000)"
    done = subprocess.run(
        [sys.executable, "-c", code, tmp_path / "file"],
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (5_000, 5_000)),
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert os.strerror(errno.EFBIG) in done.stderr
