"""Students trained at the same time on this machine, each by `dsbs train` in its own process."""

import json
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path

from dsbs.comparison.cell import Job
from dsbs.core.progress import READ_BY_PROGRAM, Progress, say
from dsbs.core.supervisor import Children

_STEPS = re.compile(r"train ([\d,]+)/")
"""How a training reports its steps on stderr; see `dsbs.core.progress`."""


def train_locally(jobs: Sequence[Job], at_once: int) -> None:
    """Train every student into its folder, `at_once` at a time with one thread each.

    What is done already is left as it is. What fails is reported and left too: the comparison
    itself tries it again and keeps the error. If this process ends, however it ends, so do the
    trainings.
    """
    steps = sum(job.steps for job in jobs)
    with (
        Progress(f"train {len(jobs)} students", steps, unit="steps") as progress,
        tempfile.TemporaryDirectory() as folder,
        ThreadPoolExecutor(at_once) as pool,
        Children() as children,
    ):
        running = [pool.submit(_train, job, Path(folder), children, progress) for job in jobs]
        try:
            for finished in as_completed(running):
                say(finished.result())
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise


def _train(job: Job, folder: Path, children: Children, progress: Progress) -> str:
    """Run one `python -m dsbs.train` and count its steps; a line about how it ended."""
    file = folder / f"{job.name}.json"
    file.write_text(json.dumps(job.settings), encoding="utf-8")
    process = children.start(
        [sys.executable, "-m", "dsbs.train", "--config", str(file)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        env={
            **os.environ,
            "OMP_NUM_THREADS": "1",
            "TOKENIZERS_PARALLELISM": "false",
            READ_BY_PROGRAM: "1",
        },
    )
    assert process.stderr is not None
    done = 0
    line = ""
    for raw in process.stderr:
        line = raw.decode(errors="replace").strip()
        if match := _STEPS.match(line):
            steps = int(match[1].replace(",", ""))
            progress.add(steps - done)
            done = steps
    return f"{job.name}: {'trained' if process.wait() == 0 else line}"
