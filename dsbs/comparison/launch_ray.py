"""Students trained and measured on a Ray cluster: each is a task with cores and GPUs of its own."""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from typing import Any

from dsbs.comparison.cell import Job
from dsbs.core.progress import Progress, say
from dsbs.core.ray_cluster import gpus, joined
from dsbs.core.supervisor import Children


def train_on_ray(
    jobs: Sequence[Job], *, address: str | None, cpus_each: int, gpus_each: int | None
) -> None:
    """Train and measure every student in its folder.

    All machines must see the working folder, the data and the answers at the same paths. Ray runs
    as many tasks at once as the cluster has room for, and repeats those that are lost with a
    machine. What is done already is left as it is. What fails is reported and left too: the
    comparison itself tries it again and keeps the error.

    Args:
        jobs: The trainings.
        address: HOST:PORT of the cluster.
        cpus_each: Cores for each training, which are its threads.
        gpus_each: GPUs for each training. Default: 1 if the cluster has any.
    """
    steps = sum(job.steps for job in jobs)
    with (
        joined(address) as ray,
        Progress(f"train {len(jobs)} students", steps, unit="steps") as progress,
    ):
        gpus_each = min(gpus(ray), 1) if gpus_each is None else gpus_each
        task = ray.remote(num_cpus=cpus_each, num_gpus=gpus_each, max_retries=-1)(run_stages)
        submitted = {
            task.remote(json.dumps(job.settings), os.getcwd(), cpus_each): job for job in jobs
        }
        waiting = list(submitted)
        while waiting:
            (finished,), waiting = ray.wait(waiting)
            job = submitted[finished]
            say(f"{job.name}: {_outcome(ray, finished)}")
            progress.add(job.steps)


def run_stages(settings: str, folder: str, threads: int) -> str:
    """Run `dsbs train` and then `dsbs evaluate` on the machine where this runs.

    Args:
        settings: The settings of the training, as JSON.
        folder: The working folder.
        threads: Threads of each process.

    Returns:
        "", or the last line of the command that failed.
    """
    out = json.loads(settings)["out"]
    environment = {**os.environ, "OMP_NUM_THREADS": str(threads), "TOKENIZERS_PARALLELISM": "false"}
    with tempfile.NamedTemporaryFile("w", suffix=".json") as file, Children() as children:
        file.write(settings)
        file.flush()
        for stage, *arguments in (("train", "--config", file.name), ("evaluate", "--run", out)):
            process = children.start(
                [sys.executable, "-m", f"dsbs.{stage}", *arguments],
                stdout=subprocess.DEVNULL,
                stderr=subprocess.PIPE,
                cwd=folder,
                env=environment,
            )
            _, errors = process.communicate()
            if process.returncode != 0:
                lines: list[str] = errors.decode(errors="replace").strip().splitlines()
                return lines[-1] if lines else f"exit code {process.returncode}"
    return ""


def _outcome(ray: Any, finished: Any) -> str:
    try:
        failed: str = ray.get(finished)
    except ray.exceptions.RayError as error:
        failed = " ".join(str(error).split())[:300]
    return failed or "trained"
