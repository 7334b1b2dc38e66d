"""Commands in processes that are forked from one which has imported everything.

A start takes some hundredths of a second in place of many seconds of imports.
"""

import atexit
import multiprocessing
import os
import resource
import runpy
import signal
import subprocess
import sys
import tempfile
import traceback
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

LOADED = [
    "pytest",
    "torch",
    "transformers",
    "accelerate",
    "evaluate",
    "datasets",
    "openai",
    "aiohttp",
    "matplotlib.pyplot",
    "plotly.graph_objects",
    "scipy.stats",
    "statsmodels.stats.multitest",
    "pyarrow.parquet",
    "jinja2.sandbox",
    "dsbs.__main__",
    *(f"dsbs.{s}" for s in ("answers", "compare", "evaluate", "generate", "predict", "report")),
    "dsbs.train",
    "dsbs.training.fit",
    "dsbs.student.predict",
    "dsbs.evaluation.measure",
    "dsbs.metrics.adapter",
    "dsbs.reporting.write",
    "dsbs.teachers.endpoint",
    "support.disturbed",
]


class Place(NamedTuple):
    """Where a command runs."""

    folder: str
    environment: Mapping[str, str]
    umask: int | None
    largest_file: int | None

    def enter(self) -> None:
        """Let this process run there."""
        os.chdir(self.folder)
        os.environ.clear()
        os.environ.update(self.environment)
        if self.umask is not None:
            os.umask(self.umask)
        if self.largest_file is not None:
            signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
            resource.setrlimit(resource.RLIMIT_FSIZE, (self.largest_file, self.largest_file))


def forked(target: Callable[..., None], *arguments: Any) -> Any:
    """A process that runs a function of a module which the first process has imported."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(LOADED)
    process = context.Process(target=target, args=arguments)
    process.start()
    return process


def run_forked(
    module: str,
    arguments: Sequence[object],
    *,
    cwd: Path | None = None,
    stdin: str = "",
    timeout: float = 500,
    umask: int | None = None,
    largest_file: int | None = None,
    **environment: str,
) -> subprocess.CompletedProcess[str]:
    """`python -m MODULE ARGUMENTS`, as `subprocess.run` gives it.

    `largest_file` in bytes stands for a disk that is full, and `environment` is added to ours.
    """
    words = list(map(str, arguments))
    with tempfile.TemporaryDirectory() as kept:
        files = [Path(kept) / name for name in ("in", "out", "err")]
        files[0].write_text(stdin, encoding="utf-8")
        place = Place(str(cwd or Path.cwd()), {**os.environ, **environment}, umask, largest_file)
        process = forked(_run, module, words, place, files)
        process.join(timeout)
        if process.exitcode is None:
            process.kill()
            raise subprocess.TimeoutExpired(words, timeout)
        out, err = (path.read_text(encoding="utf-8") for path in files[1:])
    return subprocess.CompletedProcess(words, process.exitcode, out, err)


def _run(module: str, arguments: list[str], place: Place, files: list[Path]) -> None:
    """The forked process."""
    for number, path in enumerate(files):
        opened = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND)
        os.dup2(opened, number)
        os.close(opened)
    sys.stdin = open(0, encoding="utf-8", closefd=False)  # noqa: SIM115
    place.enter()
    sys.argv = [module, *arguments]
    sys.modules.pop(module, None)  # it becomes `__main__`
    code = _end_of(module)
    atexit._run_exitfuncs()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


def _end_of(module: str) -> int:
    try:
        runpy.run_module(module, run_name="__main__", alter_sys=True)
    except SystemExit as ended:
        return ended.code if isinstance(ended.code, int) else int(ended.code is not None)
    except BaseException:
        traceback.print_exc()
        return 1
    return 0
