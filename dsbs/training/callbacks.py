"""Where training is logged to besides the manifest: TensorBoard below the run, and whatever else transformers reports to."""

from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path

from transformers import TrainerCallback
from transformers.integrations import TensorBoardCallback, get_available_reporting_integrations

from dsbs.core.errors import InputError
from dsbs.core.progress import say

TENSORBOARD = "tensorboard"


def log_callbacks(report_to: Sequence[str], out: Path) -> list[TrainerCallback]:
    """The callback of TensorBoard, writing to OUT/tensorboard, where it is asked for and installed."""
    if TENSORBOARD not in report_to:
        return []
    if find_spec(TENSORBOARD) is None:
        say("no TensorBoard logs: pip install tensorboard")
        return []
    callback = TensorBoardCallback()
    callback.logging_dir = str(out / TENSORBOARD)
    return [callback]


def other_reports(report_to: Sequence[str]) -> list[str]:
    """What transformers itself reports to. InputError for what is unknown or not installed."""
    others = [name for name in report_to if name not in (TENSORBOARD, "none")]
    known = get_available_reporting_integrations()
    for name in others:
        if name not in known:
            expected = (
                f"tensorboard, none, or what transformers finds installed: {', '.join(known)}"
            )
            raise InputError(
                "--report-to", got=repr(name), expected=expected, fix=f"pip install {name}"
            )
    return others
