"""When a training ends: its schedules, patience, and more steps in the same folder."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter

from dsbs.artifacts.results.train import Schedule, TrainResult
from dsbs.config.recipe import Optimization
from dsbs.core.errors import InputError
from dsbs.core.files import write_text
from dsbs.core.progress import is_main_process, say

CHECKPOINTS = "checkpoints"
SCHEDULES = "schedules.json"
"""The schedules that ended before the one that is in progress."""

_LIST = TypeAdapter(list[Schedule])


@dataclass(frozen=True)
class Span:
    """The optimizer steps of one schedule."""

    start: int
    """Steps before it."""
    end: int

    def rate(self, step: int) -> float:
        """The share of the learning rate after this number of steps: linear, from 1 to 0."""
        return max(0.0, (self.end - step) / max(1, self.end - self.start))


@dataclass(frozen=True)
class Patience:
    """Ends a training that has learned, and learns no more."""

    evaluations: int
    """Evaluations in a row without a better one, after which it ends. 0: never."""
    chance: float
    """A student that is not above it has yet to learn, so it is given all its steps."""
    start: int = 0
    """Evaluations up to this step do not count: an earlier schedule made them."""

    def is_out(self, log: Sequence[Mapping[str, Any]]) -> bool:
        """Whether a training with this log is to end. It depends on the log alone, so a training
        that goes on from a checkpoint ends where it would have ended.
        """
        best = -1.0
        without = 0
        for entry in log:
            accuracy = entry.get("eval_accuracy")
            if accuracy is None:
                continue
            if accuracy > best:
                best = accuracy
                without = 0
            elif entry["step"] > self.start:
                without += 1
        return bool(self.evaluations) and best > self.chance and without >= self.evaluations


def earlier_schedules(out: Path) -> list[Schedule]:
    """The schedules of a run folder that have ended; [] in the first one."""
    path = out / SCHEDULES
    return _LIST.validate_json(path.read_bytes()) if path.is_file() else []


def begin_another(out: Path, settings: Optimization, earlier: TrainResult) -> None:
    """Let a training that is done go on with more steps, as another schedule.

    Raises:
        InputError: There are no more steps to do, or the checkpoint to go on from is gone.
    """
    from dsbs.training.checkpoints import newest_whole, step_of  # loads transformers

    if settings.max_steps <= earlier.steps:
        raise InputError(
            f"--max-steps {settings.max_steps}",
            got=f"no more steps than the {earlier.steps:,} that are done in {out}",
            expected="more of them, or the settings as they were",
            fix="give more steps, or choose another --out",
        )
    checkpoint = newest_whole(out / CHECKPOINTS)
    if checkpoint is None or step_of(checkpoint) != earlier.steps:
        raise InputError(
            out / CHECKPOINTS,
            got=f"no whole checkpoint of step {earlier.steps:,}",
            expected="one to go on from",
            fix="train anew in another --out",
        )
    say(f"{out} has done {earlier.steps:,} steps: a second schedule goes on from there")
    if is_main_process():
        write_text(out / SCHEDULES, _LIST.dump_json(earlier.schedules, indent=1).decode())
