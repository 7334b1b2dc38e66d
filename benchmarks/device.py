"""What a device makes of training: tokens a second, model FLOP utilisation, peak memory, of T5 v1.1
in its sizes.

    python benchmarks/device.py --shapes base,large,3b,11b
    python benchmarks/device.py --shapes large --profile      # and what costs most time

Students have random weights; they are kept in fp32 and multiplied in bf16, as `dsbs train` does,
with AdamW, the 11B with Adafactor, both large ones with activations computed twice. How many tokens
go into one pass is found by trying; the step has `--batch-size` examples all the same. Utilisation
is of the FLOPs that the model needs for tokens that are no padding, without what is computed twice,
against the peak of the data sheet (dsbs/planning/hardware.py).
"""

import argparse
import datetime
import math
import platform
import re
import resource
import time
from collections.abc import Sequence
from typing import Any, NamedTuple

import torch
import transformers
from torch.profiler import ProfilerActivity, profile
from train import SHAPES, TASKS, build, describe, examples, our_step, pass_tokens
from transformers import Adafactor

from dsbs.core.errors import InputError
from dsbs.planning.hardware import ACCELERATORS
from dsbs.scaling.encoder_decoder import EncoderDecoder, training_flops
from dsbs.student.padding import MicroBatch
from dsbs.training.batching import Collator, lengths_of, rows_of
from dsbs.training.memory_probe import largest_pass
from dsbs.training.objective import Objective

LARGE = ("3b", "11b")
"""Shapes whose activations are computed twice, to fit."""


class Row(NamedTuple):
    """What one shape did: the fastest of the timed steps. `utilisation` is NaN for a device whose
    peak is not known.
    """

    shape: str
    pass_tokens: int
    tokens_per_s: float
    tflops: float
    utilisation: float
    peak_gib: float


class Training:
    """Steps of `batch_size` examples of a student from random weights, in passes as large as fit."""

    def __init__(self, shape: str, device: str, batch_size: int) -> None:
        self.device, self.data = torch.device(device), examples(batch_size)
        self.model: Any = build(shape, device).train()
        if shape in LARGE:
            self.model.gradient_checkpointing_enable({"use_reentrant": False})
        self.optimizer = _optimizer(shape, self.model)
        self.collator = Collator(TASKS, 0, pass_cost=pass_tokens(shape, device))
        self._pass = our_step(self.model, self.data, device, self.collator, True)
        self.run([0])  # makes the optimizer's states, which passes must leave room for
        self.collator.max_tokens = largest_pass(
            self.data, self.collator, count=batch_size, fits=self._fits
        )

    def run(self, batch: Sequence[int]) -> None:
        """One optimizer step."""
        self._pass(batch)
        torch.nn.utils.clip_grad_norm_(self.model.parameters(), 1.0)
        self.optimizer.step()
        self.optimizer.zero_grad()

    def seconds(self, steps: int) -> float:
        """Of the fastest of some steps; the first, untimed, warms up."""
        found = []
        for _ in range(steps + 1):
            _wait(self.device)
            started = time.monotonic()
            self.run(range(len(self.data)))
            _wait(self.device)
            found.append(time.monotonic() - started)
        return min(found[1:])

    def work(self) -> tuple[float, float]:
        """Tokens and FLOPs of a step, padding left out."""
        shape = EncoderDecoder.from_config(self.model.config.to_dict())
        inputs, targets = lengths_of(rows_of(self.data)).T.astype(float)
        return float((inputs + targets).sum()), float(
            training_flops(shape, inputs, target_tokens=targets).sum()
        )

    def _fits(self, batch: MicroBatch) -> bool:
        sizes = torch.ones(len(TASKS) + 1, device=self.device)
        try:
            with torch.autocast(self.device.type, torch.bfloat16):
                loss = Objective()(self.model, batch.to(self.device), sizes)
            loss.backward()
        except torch.OutOfMemoryError:
            return False
        finally:
            self.optimizer.zero_grad()
        return True


def _optimizer(shape: str, model: Any) -> torch.optim.Optimizer:
    if shape == "11b":
        return Adafactor(model.parameters(), lr=1e-3, scale_parameter=False, relative_step=False)
    return torch.optim.AdamW(model.parameters(), lr=5e-5, weight_decay=0.0, fused=True)


def measure(
    shape: str, device: str, *, batch_size: int, steps: int, peak: float = math.nan, top: int = 0
) -> Row:
    """One shape on one device; `peak` in FLOPs a second. With `top`, the operations that cost most
    time are printed.
    """
    training = Training(shape, device, batch_size)
    if training.device.type == "cuda":
        torch.cuda.reset_peak_memory_stats()
    seconds, (tokens, flops) = training.seconds(steps), training.work()
    used, memory = flops / seconds / peak, _peak_gib(training.device)
    for line in costs(training, top):
        print(line, flush=True)
    return Row(
        shape,
        int(training.collator.max_tokens),
        tokens / seconds,
        flops / seconds / 1e12,
        used,
        memory,
    )


def costs(training: Training, top: int) -> list[str]:
    """The operations that take most of the time of a step, with their share of it."""
    if not top:
        return []
    on_gpu = training.device.type == "cuda"
    activities = [ProfilerActivity.CPU, *([ProfilerActivity.CUDA] if on_gpu else [])]
    with profile(activities=activities) as found:
        training.run(range(len(training.data)))
        _wait(training.device)
    spent = {
        e.key: e.self_device_time_total if on_gpu else e.self_cpu_time_total
        for e in found.key_averages()
    }
    whole = sum(spent.values())
    return [
        f"{spent[name] / whole:6.1%}  {name}"
        for name in sorted(spent, key=spent.__getitem__, reverse=True)[:top]
    ]


def peak_of(name: str) -> float:
    """Dense bf16 FLOPs a second of the device of this name, by the data sheets; NaN where it is
    none of them.
    """
    words = set(re.split(r"[^a-z0-9]+", name.lower()))
    known = [key for key in ACCELERATORS if set(key.split("-")) <= words]
    return ACCELERATORS[max(known, key=len)].flops if known else math.nan


def table(rows: Sequence[Row]) -> str:
    """A table in Markdown."""
    lines = [
        "| shape | tokens a pass | tokens a second | TFLOP/s | utilisation | peak GiB |",
        "|---|---|---|---|---|---|",
    ]
    for row in rows:
        used = "peak unknown" if math.isnan(row.utilisation) else f"{row.utilisation:.1%}"
        lines.append(
            f"| {row.shape} | {row.pass_tokens:,} | {row.tokens_per_s:,.0f} | {row.tflops:.3g} | {used} | {row.peak_gib:.1f} |"
        )
    return "\n".join(lines)


def _peak_gib(device: torch.device) -> float:
    """On a GPU since its peak was reset, on a processor since the process began."""
    if device.type != "cuda":
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    return torch.cuda.max_memory_allocated() / 2**30


def _wait(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize()


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--shapes", default="base,large,3b,11b", help=f"comma-separated: {', '.join(SHAPES)}"
    )
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--batch-size", type=int, default=64)
    parser.add_argument("--steps", type=int, default=3, help="timed steps; the fastest counts")
    parser.add_argument(
        "--peak-tflops",
        type=float,
        help="bf16 peak of the device; left out, known by the GPU's name",
    )
    parser.add_argument(
        "--profile", action="store_true", help="print the ten operations that take most time"
    )
    given = parser.parse_args()
    torch.set_flush_denormal(True)
    peak = given.peak_tflops * 1e12 if given.peak_tflops else math.nan
    if given.device != "cpu" and not given.peak_tflops:
        peak = peak_of(torch.cuda.get_device_name(given.device))
    print(f"{describe(given.device)}, transformers {transformers.__version__}, Python {platform.python_version()}, "
          f"{datetime.date.today()}, batch {given.batch_size}", flush=True)  # fmt: skip
    rows, top = [], 10 if given.profile else 0
    for shape in given.shapes.split(","):
        try:
            rows.append(
                measure(
                    shape,
                    given.device,
                    batch_size=given.batch_size,
                    steps=given.steps,
                    peak=peak,
                    top=top,
                )
            )
        except (InputError, torch.OutOfMemoryError):
            print(f"{shape} does not fit", flush=True)
    print(table(rows))


if __name__ == "__main__":
    main()
