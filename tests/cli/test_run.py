"""How a command ends that is told to: by a real signal, in a process of its own."""

import json
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import pytest

from support.farm import Farm
from support.served_farm import Serve, flags, seen

ENDED = "interrupted; the same command goes on from here\n"


def asking(
    farm: Farm, serve: Serve, tmp_path: Path, before: Sequence[str] = ()
) -> "subprocess.Popen[str]":
    """A command that waits for its teacher's first answers."""
    log = tmp_path / "seen"
    url = serve("--log", log, "--delay", "600")
    arguments = [*flags(farm, url), "--api", "completions", "--out", tmp_path / "out"]
    command = [*before, sys.executable, "-m", "dsbs.generate", *map(str, arguments)]
    process = subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    while not seen(log):
        assert process.poll() is None
        time.sleep(0.05)
    return process


def status(tmp_path: Path) -> str:
    return str(json.loads((tmp_path / "out" / "manifest.json").read_text())["status"])


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_stops_a_run_in_one_line(
    farm: Farm, serve: Serve, tmp_path: Path, number: signal.Signals
) -> None:
    process = asking(farm, serve, tmp_path)
    process.send_signal(number)
    out, err = process.communicate(timeout=60)
    assert (process.returncode, out, err) == (128 + number, "", ENDED)
    assert status(tmp_path) == "stopped"


def test_two_signals_at_once_are_one(farm: Farm, serve: Serve, tmp_path: Path) -> None:
    process = asking(farm, serve, tmp_path)
    process.send_signal(signal.SIGHUP)
    process.send_signal(signal.SIGTERM)
    _, err = process.communicate(timeout=60)
    assert err == ENDED
    assert process.returncode in (128 + signal.SIGHUP, 128 + signal.SIGTERM)
    assert status(tmp_path) == "stopped"


def test_under_nohup_a_closed_terminal_ends_nothing(
    farm: Farm, serve: Serve, tmp_path: Path
) -> None:
    process = asking(farm, serve, tmp_path, before=["nohup"])
    process.send_signal(signal.SIGHUP)
    time.sleep(0.5)
    assert process.poll() is None
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=60)
    assert process.returncode == 128 + signal.SIGTERM
