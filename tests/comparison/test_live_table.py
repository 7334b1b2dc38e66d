"""A terminal shows how far every cell of a comparison is."""

import contextlib
import os
import pty
import re
import subprocess
import sys
from pathlib import Path

from support.farm import Farm


def test_a_terminal_shows_a_live_table_of_the_cells(answered_farm: Farm, tmp_path: Path) -> None:
    steps = [
        "--max-steps",
        "2",
        "--batch-size",
        "8",
        "--max-target-tokens",
        "24",
        "--out",
        str(tmp_path / "c"),
    ]
    command = [
        sys.executable,
        "-m",
        "dsbs.compare",
        "--answers",
        str(answered_farm.folder / "answered"),
        *steps,
    ]
    ours, theirs = pty.openpty()
    environment = {**os.environ, "TERM": "xterm", "COLUMNS": "120"}
    with subprocess.Popen(
        command, stdout=subprocess.DEVNULL, stderr=theirs, env=environment
    ) as process:
        os.close(theirs)
        shown = b""
        with contextlib.suppress(OSError):  # how a terminal ends that nobody writes to any more
            while part := os.read(ours, 65536):
                shown += part
    os.close(ours)
    assert process.returncode == 0, shown
    text = shown.decode(errors="replace")
    assert "0 of 2 cells done" in text
    assert "2 of 2 cells done" in text
    assert re.search(r"tiny-standard-gold-1-0 +running", text)
    assert re.search(r"tiny-step_by_step-gold-1-0 +done +\d", text)
