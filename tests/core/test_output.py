"""What others print stays off the terminal: with real descriptors and real processes."""

import subprocess
import sys
from pathlib import Path

import pytest

COMMAND = """
import atexit, os, subprocess, sys, warnings
from pathlib import Path
from dsbs.core import output
from dsbs.core.errors import InputError
from dsbs.core.progress import say

warnings.simplefilter("always")

def others():
    os.write(1, b"other: C on 1\\n")
    os.write(2, b"other: C on 2\\n")
    print("other: Python on 1")
    warnings.warn("other: a warning")
    subprocess.run([sys.executable, "-c", "import sys; print('other: child', file=sys.stderr)"])

atexit.register(others)
MODE, LOG, NOISY = sys.argv[1], Path(sys.argv[2]), sys.argv[3] == "noisy"
try:
    with output.apart(quiet=MODE == "quiet", verbose=MODE == "verbose"):
        say("ours: a notice")
        with output.logged(LOG):
            if NOISY:
                others()
            if MODE == "broken":
                raise RuntimeError("a bug")
            if MODE == "refused":
                raise InputError("x", got="y", expected="z", fix="w")
        print("the result", file=output.results())
except (RuntimeError, InputError) as error:
    print(f"error: {error}", file=sys.stderr)
output.end_in_log()
"""


def run(mode: str, log: Path, *, noisy: bool = True) -> tuple[str, str]:
    """What appears on stdout and stderr."""
    command = [sys.executable, "-c", COMMAND, mode, str(log), "noisy" if noisy else "silent"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return done.stdout, done.stderr


def test_results_and_our_own_lines_alone_are_seen(tmp_path: Path) -> None:
    log = tmp_path / "run.log"
    assert run("plain", log) == ("the result\n", "ours: a notice\n")
    written = log.read_text()
    for line in ("C on 1", "C on 2", "Python on 1", "a warning", "child"):
        assert written.count(f"other: {line}") == 2  # during the work, and as the process ended
    assert "ours" not in written


def test_a_log_has_every_start_and_none_appears_where_nobody_prints(tmp_path: Path) -> None:
    log = tmp_path / "run.log"
    run("plain", log, noisy=False)
    assert not log.exists()
    for _ in range(2):
        run("plain", log)
    assert log.read_text().count("other: child") == 4


def test_quiet_shows_results_only(tmp_path: Path) -> None:
    assert run("quiet", tmp_path / "run.log") == ("the result\n", "")


def test_verbose_shows_others_on_stderr(tmp_path: Path) -> None:
    out, err = run("verbose", tmp_path / "run.log", noisy=True)
    assert out.startswith("the result\n")
    assert err.count("other: C on 2") == 2
    assert "other: C on 1" in err
    assert not (tmp_path / "run.log").exists()


@pytest.mark.parametrize("mode", ["broken", "refused"])
def test_the_end_of_the_log_is_shown_where_the_work_breaks(tmp_path: Path, mode: str) -> None:
    log = tmp_path / "run.log"
    log.write_text("of an earlier start\n")
    _, err = run(mode, log)
    if mode == "refused":
        assert err == "ours: a notice\nerror: x: got y; expected z; w\n"
        return
    assert f"the end of {log}:" in err
    assert "other: C on 2" in err
    assert "earlier" not in err
    assert err.endswith("error: a bug\n")


def test_a_reader_of_notices_that_goes_away_stops_nothing(tmp_path: Path) -> None:
    code = (
        "from dsbs.core.progress import say\n"
        "for number in range(20000): say(f'notice {number}')\n"
        "print('done')"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        assert process.stderr is not None
        process.stderr.readline()
        process.stderr.close()
        assert process.stdout is not None
        assert process.stdout.read() == b"done\n"
    assert process.returncode == 0
