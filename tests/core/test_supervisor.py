"""Child processes end with their parent, however it ends: with real processes."""

import contextlib
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from dsbs.core.supervisor import Children

PARENT = """
import sys, time
from dsbs.core.supervisor import Children

with Children() as children:
    children.start([sys.executable, "-c", sys.argv[1], sys.argv[2]])
    time.sleep(600)
"""
CHILD = """
import os, subprocess, sys, time
grandchild = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
with open(sys.argv[1] + ".partial", "w") as file:
    file.write(f"{os.getpid()} {grandchild.pid}")
os.rename(sys.argv[1] + ".partial", sys.argv[1])
time.sleep(600)
"""
"""It starts a process of its own, as a server does."""


def is_alive(pid: int) -> bool:
    with contextlib.suppress(FileNotFoundError, ProcessLookupError):
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    return False


def wait_for(condition: Callable[[], bool], seconds: float = 60) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.02)


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGINT])
def test_children_and_what_they_started_end_with_the_parent(
    tmp_path: Path, number: signal.Signals
) -> None:
    pids = tmp_path / "pids"
    command = [sys.executable, "-c", PARENT, CHILD, str(pids)]
    with subprocess.Popen(command, stderr=subprocess.DEVNULL) as parent:
        wait_for(pids.is_file)
        found = [int(pid) for pid in pids.read_text().split()]
        assert all(map(is_alive, found))
        parent.send_signal(number)
    wait_for(lambda: not any(map(is_alive, found)))


def test_a_command_that_ignores_sigterm_is_killed(tmp_path: Path) -> None:
    ignoring = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN)\n" + CHILD
    pids = tmp_path / "pids"
    with Children() as children:
        children.start([sys.executable, "-c", ignoring, str(pids)])
        wait_for(pids.is_file)
    assert not any(is_alive(int(pid)) for pid in pids.read_text().split())


def test_exit_codes_and_output_are_those_of_the_command() -> None:
    with Children() as children:
        said = children.start(
            [sys.executable, "-c", "print('hello'); raise SystemExit(3)"], stdout=subprocess.PIPE
        )
        killed = children.start(
            [sys.executable, "-c", "import os; os.kill(os.getpid(), 9)"],
        )
        assert said.communicate()[0] == b"hello\n"
        assert said.returncode == 3
        assert killed.wait() == 128 + signal.SIGKILL


def test_nothing_is_left_of_a_child_that_ended_before_its_own_child(tmp_path: Path) -> None:
    leaving = CHILD.replace("time.sleep(600)\n", "")
    pids = tmp_path / "pids"
    with Children() as children:
        children.start([sys.executable, "-c", leaving, str(pids)]).wait()
    assert not any(is_alive(int(pid)) for pid in pids.read_text().split())
