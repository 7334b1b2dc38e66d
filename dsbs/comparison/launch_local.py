"""Students trained side by side: each in a process of its own, with one thread, through the stage `train` itself."""

import asyncio
import json
import os
import re
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from dsbs.config.presets import preset_of
from dsbs.config.train import TrainConfig
from dsbs.core.progress import Progress, say

_STEPS = re.compile(r"train ([\d,]+)/")
"""How the stage tells its steps; see `dsbs.core.progress`."""


def train_ahead(cells: Mapping[Path, TrainConfig], answers: Sequence[str], jobs: int) -> None:
    """Train every cell into its folder, `jobs` at a time.

    What is finished is left as it is. What fails is told and left too: whoever trains it next meets the error itself.
    """
    with Progress(f"train {len(cells)} students", train_steps(cells), unit="steps") as progress:
        asyncio.run(_train_all(cells, answers, jobs, progress))


def longest_first(cells: Mapping[Path, TrainConfig]) -> dict[Path, TrainConfig]:
    """The cells in an order in which none is left to end alone. Two tasks take twice as long as one."""
    return dict(
        sorted(
            cells.items(),
            key=lambda cell: -_steps(cell[1]) * (1 + (cell[1].method == "step_by_step")),
        )
    )


def train_steps(cells: Mapping[Path, TrainConfig]) -> int:
    """Optimiser steps of all of them."""
    return sum(map(_steps, cells.values()))


def _steps(config: TrainConfig) -> int:
    return config.max_steps or preset_of(config.student).max_steps


def train_settings(out: Path, config: TrainConfig, answers: Sequence[str]) -> dict[str, Any]:
    """What the stage `train` is told to train this cell into `out`."""
    return {
        **config.model_dump(mode="json", exclude_none=True),
        "answers": list(answers),
        "out": str(out),
    }


async def _train_all(
    cells: Mapping[Path, TrainConfig], answers: Sequence[str], jobs: int, progress: Progress
) -> None:
    gate = asyncio.Semaphore(jobs)
    with tempfile.TemporaryDirectory() as folder:

        async def one(number: int, out: Path, config: TrainConfig) -> None:
            file = Path(folder) / f"{number}.json"
            file.write_text(json.dumps(train_settings(out, config, answers)), encoding="utf-8")
            async with gate:
                await _train(file, out.name, progress.add)

        await asyncio.gather(
            *(one(number, out, config) for number, (out, config) in enumerate(cells.items()))
        )


async def _train(config: Path, name: str, count: Callable[[int], None]) -> None:
    """One `python -m dsbs.train`; its steps are counted as it tells them."""
    command = [sys.executable, "-m", "dsbs.train", "--config", str(config)]
    one_thread = {**os.environ, "OMP_NUM_THREADS": "1", "TOKENIZERS_PARALLELISM": "false"}
    pipe, nothing = asyncio.subprocess.PIPE, asyncio.subprocess.DEVNULL
    process = await asyncio.create_subprocess_exec(
        *command, stdout=nothing, stderr=pipe, env=one_thread
    )
    assert process.stderr is not None
    done, line = 0, ""
    async for raw in process.stderr:
        line = raw.decode(errors="replace").strip()
        if match := _STEPS.match(line):
            steps = int(match[1].replace(",", ""))
            count(steps - done)
            done = steps
    say(f"{name}: {'trained' if await process.wait() == 0 else line}")
