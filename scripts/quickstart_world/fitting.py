"""What the scripts of both small models share: a training loop, saving, and a command line."""

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import Any


def fit(what: str, model: Any, next_loss: Callable[[], Any], steps: int, **adamw: Any) -> None:
    """Train in place with AdamW: 100 steps of warm-up to 2e-3, then linear decay to nothing."""
    import torch

    from dsbs.core.progress import Progress

    optimizer = torch.optim.AdamW(model.parameters(), lr=2e-3, **adamw)
    schedule = torch.optim.lr_scheduler.LambdaLR(
        optimizer, lambda step: min((step + 1) / 100, 1 - step / steps)
    )
    with Progress(what, steps, unit="steps") as progress:
        for _ in range(steps):
            loss = next_loss()
            loss.backward()
            torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
            schedule.step()
            optimizer.zero_grad()
            progress.add(1, f"loss {loss.item():.3f}")


def save(model: Any, tokenizer: Any, out: Path) -> None:
    """Both in one folder, as any hub model is saved, in bf16."""
    import torch

    model.to(torch.bfloat16).save_pretrained(out)
    tokenizer.save_pretrained(out)


def run(
    train: Callable[[int, Path], None], described: str | None, *, steps: int, out: Path
) -> None:
    """The command line of a script: --steps and --out."""
    parser = argparse.ArgumentParser(
        description=described, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--steps", type=int, default=steps)
    parser.add_argument("--out", type=Path, default=out)
    arguments = parser.parse_args()
    train(arguments.steps, arguments.out)
