"""Whether installed libraries import. Each is tried in a process of its own."""

import subprocess
import sys
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor

PROBES: Mapping[str, tuple[str, ...]] = {
    "train": (
        "torch",
        "transformers.models.t5.modeling_t5",
        "accelerate",
        "datasets",
        "peft",
        "sklearn.linear_model",
    ),
    "endpoint": ("openai",),
    "vllm": ("vllm.engine.arg_utils",),
    "plan": ("scipy.optimize", "threadpoolctl", "tokenizers"),
    "report": ("matplotlib.figure", "plotly.offline", "statsmodels.stats.power"),
    "ray": ("ray.data",),
}
"""The modules of each extra that dsbs imports. They fail where versions do not fit."""

_IMPORT = "import importlib, sys; [importlib.import_module(name) for name in sys.argv[1:]]"
_DEVICES = """
import torch
device = torch.accelerator.current_accelerator()
name_of = getattr(torch.get_device_module(device), "get_device_name", str)
for at in range(torch.accelerator.device_count()):
    print(name_of(at))
"""


def broken_imports(extras: list[str], timeout_s: float) -> dict[str, str]:
    """For each of these extras whose modules do not import: why not, in one line."""
    tried = [extra for extra in extras if extra in PROBES]
    with ThreadPoolExecutor() as pool:
        outcomes = pool.map(lambda extra: _python(timeout_s, _IMPORT, *PROBES[extra])[1], tried)
        return {extra: error for extra, error in zip(tried, outcomes, strict=True) if error}


def torch_devices(timeout_s: float) -> tuple[str, ...] | None:
    """The accelerators that PyTorch can use, by name; None where that cannot be found out."""
    shown, error = _python(timeout_s, _DEVICES)
    return None if error else tuple(filter(None, shown.splitlines()))


def _python(timeout_s: float, code: str, *arguments: str) -> tuple[str, str]:
    """What a fresh interpreter prints, and the last line of its error; "" where there was none."""
    command = [sys.executable, "-c", code, *arguments]
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=timeout_s, check=False
        )
    except subprocess.TimeoutExpired:
        return "", f"importing {', '.join(arguments)} takes longer than {timeout_s:g} s"
    if done.returncode == 0:
        return done.stdout, ""
    lines = done.stderr.strip().splitlines()
    return "", lines[-1] if lines else f"exit code {done.returncode}"
