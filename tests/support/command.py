"""Commands as a user runs them."""

import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

from support.forked import run_forked

Cli = Callable[..., subprocess.CompletedProcess[str]]


def run_command(
    *arguments: Any, cwd: Path | None = None, stdin: str = "", timeout: int = 500
) -> subprocess.CompletedProcess[str]:
    """Run a command in a process of its own: `run_command("train", "--task", "cqa", cwd=...)`."""
    return run_forked(f"dsbs.{arguments[0]}", arguments[1:], cwd=cwd, stdin=stdin, timeout=timeout)
