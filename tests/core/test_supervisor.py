"""Child processes end with their parent, however it ends: with real processes."""

import contextlib
import os
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


def supervisors(parent: int) -> list[int]:
    """The supervisor that a process has started, and the second one that watches over it."""
    found = subprocess.run(
        ["ps", "-ww", "-eo", "pid=,ppid=,args="], capture_output=True, text=True, check=True
    ).stdout
    rows = [line.split(None, 2) for line in found.splitlines()]
    ours = [(int(pid), int(above)) for pid, above, args in rows if "dsbs.core.supervisor" in args]
    first = [pid for pid, above in ours if above == parent]
    return first + [pid for pid, above in ours if above in first]


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_a_command_and_what_it_started_end_with_their_supervisor(
    tmp_path: Path, number: signal.Signals
) -> None:
    pids = tmp_path / "pids"
    with Children() as children:
        supervisor = children.start([sys.executable, "-c", CHILD, str(pids)])
        wait_for(pids.is_file)
        found = [int(pid) for pid in pids.read_text().split()]
        supervisor.send_signal(number)
        wait_for(lambda: not any(map(is_alive, found)))
        assert supervisor.wait() == -number


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux ends a process with its parent")
def test_a_command_ends_even_if_all_that_watch_over_it_are_killed_at_once(tmp_path: Path) -> None:
    pids = tmp_path / "pids"
    command = [sys.executable, "-c", PARENT, CHILD, str(pids)]
    with subprocess.Popen(command, stderr=subprocess.DEVNULL) as parent:
        wait_for(pids.is_file)
        child = int(pids.read_text().split()[0])
        both = supervisors(parent.pid)
        assert len(both) == 2
        for pid in (parent.pid, *reversed(both)):
            os.kill(pid, signal.SIGKILL)
    wait_for(lambda: not is_alive(child))
    os.kill(int(pids.read_text().split()[1]), signal.SIGKILL)


def test_nothing_stays_of_a_supervisor_whose_command_has_ended(tmp_path: Path) -> None:
    with Children() as children:
        first = children.start([sys.executable, "-c", "import time; time.sleep(1)"])
        wait_for(lambda: len(supervisors(os.getpid())) == 2)
        both = supervisors(os.getpid())
        assert first.wait() == 0
        wait_for(lambda: not any(map(is_alive, both)))
