"""One shape on one device: ours against the plain recipe, labels a second, and the loss in fp32.

    python benchmarks/gpu.py --shape base

`benchmarks/gpu.sh` runs it for several shapes, after `benchmarks/device.py`.
"""

import argparse
import time
from collections.abc import Callable
from typing import Any

import torch
from device import LARGE, Training
from train import TASKS, build, describe, examples, our_step, plain_step

from dsbs.student.decode import generate_texts
from dsbs.student.score import Candidates, score_labels
from dsbs.student.t5.fused_layers import fuse_layers
from dsbs.student.tokenizer import train_tokenizer
from dsbs.training.batching import Collator

_LABELS = ("a red apple", "a blue boat", "green hills", "the old road", "nothing")


def against_plain(shape: str, device: str, batch_size: int) -> float:
    """Examples per second of ours over those of the plain recipe, both in bf16, the better of two
    steps each.
    """
    ours = Training(shape, device, batch_size)
    own = ours.seconds(2)
    del ours
    _empty(device)
    model = build(shape, device).train()
    if shape in LARGE:
        model.gradient_checkpointing_enable({"use_reentrant": False})
    optimizer = torch.optim.AdamW(model.parameters(), lr=5e-5, weight_decay=0.0)
    step = plain_step(model, examples(batch_size), device, bf16=True)

    def run() -> None:
        step(range(batch_size))
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad()

    run()
    plain = min(_seconds(run, device) for _ in range(2))
    print(
        f"{shape}: dsbs {batch_size / own:,.1f} examples/s, the plain recipe "
        f"{batch_size / plain:,.1f}, {plain / own:.2f} x",
        flush=True,
    )
    return plain / own


def labels(shape: str, device: str, rows: int) -> None:
    """Labels per second by generating (8 new tokens at most) and by scoring five options."""
    tokenizer = train_tokenizer([*_LABELS, "what is the next word of it"], 1000)
    model = fuse_layers(build(shape, device)).eval()
    inputs = [f"[label] what is the next word of it {n} " + "word " * (n % 30) for n in range(rows)]
    sizes: dict[str, Any] = {"max_input_tokens": 256, "batch_size": 256}
    candidates = [Candidates(text, _LABELS) for text in inputs]
    ways = {
        "generating": lambda: generate_texts(model, tokenizer, inputs, max_new_tokens=8, **sizes),
        "scoring": lambda: score_labels(model, tokenizer, candidates, **sizes),
    }
    for name, way in ways.items():
        way()
        seconds = _seconds(way, device)
        print(f"{shape}: {rows / seconds:,.0f} labels/s by {name} ({rows:,} rows)", flush=True)


def same_loss(shape: str, device: str, batch_size: int) -> float:
    """How far the loss of one step in fp32 on the device is from that on the CPU, relative."""
    found = []
    for where in dict.fromkeys((device, "cpu")):
        model = build(shape, "cpu").to(where).eval()
        step = our_step(model, examples(batch_size), where, Collator(TASKS, 0), bf16=False)
        found.append(step(range(batch_size)).item())
        del model
        _empty(device)
    apart = abs(found[0] / found[-1] - 1)
    print(f"{shape}: one step's loss in fp32 is {apart:.0e} apart from the CPU's", flush=True)
    return apart


def _seconds(run: Callable[[], Any], device: str) -> float:
    _wait(device)
    started = time.monotonic()
    run()
    _wait(device)
    return time.monotonic() - started


def _wait(device: str) -> None:
    if device != "cpu":
        torch.cuda.synchronize()


def _empty(device: str) -> None:
    if device != "cpu":
        torch.cuda.empty_cache()


def main() -> None:
    """Run all three; a shape that does not fit in memory is named."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--shape", default="base")
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--batch-size", type=int, default=64)
    given = parser.parse_args()
    torch.set_flush_denormal(True)
    print(describe(given.device), flush=True)
    rows = 16 * given.batch_size
    parts: list[Callable[[], Any]] = [
        lambda: same_loss(given.shape, given.device, 4),
        lambda: labels(given.shape, given.device, rows),
        lambda: against_plain(given.shape, given.device, given.batch_size),
    ]
    for part in parts:
        try:
            part()
        except torch.OutOfMemoryError:
            print(f"{given.shape} does not fit", flush=True)
            _empty(given.device)


if __name__ == "__main__":
    main()
