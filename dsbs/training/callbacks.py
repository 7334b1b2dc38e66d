"""What happens beside training: progress, a last validation, logs for other tools."""

import math
from collections.abc import Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from transformers import (
    TrainerCallback,
    TrainerControl,
    TrainerState,
    TrainingArguments,
)
from transformers.integrations.integration_utils import (
    TensorBoardCallback,
    get_available_reporting_integrations,
)

from dsbs.core.errors import InputError
from dsbs.core.progress import Progress, say
from dsbs.training.schedules import Patience

TENSORBOARD = "tensorboard"


class StepCallback(TrainerCallback):
    """Shows progress, validates after the last step, and stops when the loss is NaN or infinite."""

    def __init__(self, progress: Progress) -> None:
        self.progress = progress
        self.loss = math.nan
        self.accuracy = math.nan

    def on_step_end(
        self,
        args: TrainingArguments,
        state: TrainerState,
        control: TrainerControl,
        **unused: Any,
    ) -> None:
        if state.global_step >= state.max_steps:
            control.should_evaluate = True
            control.should_save = True
        best = "" if math.isnan(self.accuracy) else f", validation {self.accuracy:.1%}"
        self.progress.add(1, "" if math.isnan(self.loss) else f"loss {self.loss:.3g}{best}")

    def on_log(
        self,
        args: TrainingArguments,
        state: TrainerState,
        control: TrainerControl,
        logs: Mapping[str, float] | None = None,
        **unused: Any,
    ) -> None:
        logs = logs or {}
        self.loss = logs.get("loss", self.loss)
        self.accuracy = logs.get("eval_accuracy", self.accuracy)
        if not math.isfinite(logs.get("loss", 0.0)):
            raise InputError(
                f"step {state.global_step}",
                got=f"a loss of {self.loss}",
                expected="a number",
                fix="try a smaller --learning-rate, or --precision fp32, into another --out",
            )


class PatienceCallback(TrainerCallback):
    """Ends a training that has learned.

    Ours and not transformers' own, which asks for the weights of a best checkpoint of its own, and
    counts from 0 when training goes on from a checkpoint.
    """

    def __init__(self, patience: Patience) -> None:
        self.patience = patience

    def on_evaluate(
        self,
        args: TrainingArguments,
        state: TrainerState,
        control: TrainerControl,
        **unused: Any,
    ) -> None:
        if self.patience.is_out(state.log_history):
            control.should_training_stop = True


def log_callbacks(report_to: Sequence[str], out: Path) -> list[TrainerCallback]:
    """The callback that writes OUT/tensorboard, where it is wanted and TensorBoard is installed."""
    if TENSORBOARD not in report_to:
        return []
    if find_spec(TENSORBOARD) is None:
        say("no TensorBoard logs: pip install tensorboard")
        return []
    callback = TensorBoardCallback()
    callback.logging_dir = str(out / TENSORBOARD)
    return [callback]


def other_reports(report_to: Sequence[str]) -> list[str]:
    """The tools that transformers itself reports to. InputError for unknown or missing ones."""
    others = [name for name in report_to if name not in (TENSORBOARD, "none")]
    known = get_available_reporting_integrations()
    for name in others:
        if name not in known:
            raise InputError(
                "--report-to",
                got=repr(name),
                expected=f"tensorboard, none, or a tool that is installed: {', '.join(known)}",
                fix=f"pip install {name}",
            )
    return others
