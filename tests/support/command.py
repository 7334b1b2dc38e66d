"""Commands as a user runs them."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

Cli = Callable[..., subprocess.CompletedProcess[str]]


def run_command(
    *arguments: Any, cwd: Path | None = None, stdin: str = "", timeout: int = 500
) -> subprocess.CompletedProcess[str]:
    """Run a command in a process of its own: `run_command("train", "--task", "cqa", cwd=...)`."""
    command = [sys.executable, "-m", f"dsbs.{arguments[0]}", *map(str, arguments[1:])]
    return subprocess.run(
        command,
        capture_output=True,
        text=True,
        cwd=cwd,
        input=stdin,
        timeout=timeout,
        check=False,
    )
