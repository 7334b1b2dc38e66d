"""Distilling step-by-step: turn a large language model into a small model of your own.

`dsbs.load` opens a student or an export to label rows. `dsbs.api` has every command.
"""

from pathlib import Path
from typing import TYPE_CHECKING

from dsbs.core.version import __version__

if TYPE_CHECKING:
    from dsbs.runtimes.loaded import LoadedStudent

__all__ = ["__version__", "load"]


def load(run: str | Path, *, batch_size: int = 64, threads: int = 0) -> "LoadedStudent":
    """The student of a train run, a copy of its best/, or an export: see `dsbs.runtimes.loaded`.

    It has `predict(rows)`, `probabilities(rows)` and `explain(rows)`, where a row maps the columns
    of the task's input to values.
    """
    from dsbs.runtimes.loaded import load as opened  # not above: it reads data libraries

    return opened(run, batch_size=batch_size, threads=threads)
