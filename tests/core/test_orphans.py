"""Processes that a library starts end with the process that they were started in."""

import contextlib
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

PARENT = """
import multiprocessing, os, sys, time
from dsbs.core.orphans import NoOrphans

if __name__ == "__main__":
    with NoOrphans():
        child = multiprocessing.get_context("spawn").Process(target=time.sleep, args=(600,))
        child.start()
        print(child.pid, flush=True)
        if sys.argv[1] == "orderly":
            time.sleep(1)
        else:
            time.sleep(600)
        print(child.is_alive(), flush=True)
    child.terminate()
    child.join()
"""


def is_alive(pid: int) -> bool:
    with contextlib.suppress(FileNotFoundError, ProcessLookupError):
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    return False


def start(folder: Path, manner: str) -> "subprocess.Popen[str]":
    script = folder / "parent.py"
    script.write_text(PARENT)
    return subprocess.Popen(
        [sys.executable, str(script), manner], stdout=subprocess.PIPE, text=True
    )


def test_nothing_is_left_of_a_process_that_is_killed(tmp_path: Path) -> None:
    with start(tmp_path, "killed") as parent:
        assert parent.stdout is not None
        child = int(parent.stdout.readline())
        time.sleep(1)  # it is noticed within a fifth of a second
        assert is_alive(child)
        parent.send_signal(signal.SIGKILL)
    end = time.monotonic() + 30
    while is_alive(child):
        assert time.monotonic() < end
        time.sleep(0.05)


@pytest.mark.skipif(sys.platform == "win32", reason="signals")
def test_in_an_orderly_end_nothing_is_stopped_from_outside(tmp_path: Path) -> None:
    with start(tmp_path, "orderly") as parent:
        assert parent.stdout is not None
        parent.stdout.readline()
        assert parent.stdout.readline() == "True\n"
    assert parent.returncode == 0
