"""Students trained all over a Ray cluster: each a task with cores and GPUs of its own, through the stages themselves."""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from dsbs.comparison.launch_local import train_settings, train_steps
from dsbs.config.train import TrainConfig
from dsbs.core.progress import Progress, say
from dsbs.core.ray_cluster import gpus, joined


def train_on_ray(
    cells: Mapping[Path, TrainConfig],
    answers: Sequence[str],
    *,
    address: str | None,
    cpus_each: int,
    gpus_each: int | None,
) -> None:
    """Train and measure every cell in its folder. All machines must see working folder, data and answers at the same paths.

    Ray starts as many at once as the cluster has room for, and again what is lost with a machine. What is finished is left
    as it is; what fails is told and left too: whoever trains it next meets the error itself.
    """
    with (
        joined(address) as ray,
        Progress(f"train {len(cells)} students", train_steps(cells), unit="steps") as progress,
    ):
        gpus_each = min(gpus(ray), 1) if gpus_each is None else gpus_each
        task = ray.remote(num_cpus=cpus_each, num_gpus=gpus_each, max_retries=-1)(run_cell_stages)
        asked = {
            task.remote(json.dumps(train_settings(out, config, answers)), os.getcwd(), cpus_each): (
                out,
                config,
            )
            for out, config in cells.items()
        }
        waiting = list(asked)
        while waiting:
            (done,), waiting = ray.wait(waiting)
            out, config = asked[done]
            say(f"{out.name}: {_told(ray, done)}")
            progress.add(train_steps({out: config}))


def run_cell_stages(settings: str, folder: str, threads: int) -> str:
    """`dsbs.train` and then `dsbs.evaluate` on the machine where this runs, in `folder`; "" or the last line of what failed."""
    out = json.loads(settings)["out"]
    environment = {**os.environ, "OMP_NUM_THREADS": str(threads), "TOKENIZERS_PARALLELISM": "false"}
    with tempfile.NamedTemporaryFile("w", suffix=".json") as file:
        file.write(settings)
        file.flush()
        for stage, *arguments in (("train", "--config", file.name), ("evaluate", "--run", out)):
            command = [sys.executable, "-m", f"dsbs.{stage}", *arguments]
            done = subprocess.run(
                command, capture_output=True, cwd=folder, env=environment, check=False
            )
            if done.returncode != 0:
                said: list[str] = done.stderr.decode(errors="replace").strip().splitlines()
                return said[-1] if said else f"exit code {done.returncode}"
    return ""


def _told(ray: Any, done: Any) -> str:
    try:
        failed: str = ray.get(done)
    except ray.exceptions.RayError as error:
        failed = " ".join(str(error).split())[:300]
    return failed or "trained"
