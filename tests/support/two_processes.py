"""Trainings that training/test_sharding.py looks at, all in one pair of processes that torchrun
starts: two_processes.py FARM OUT.
"""

import functools
import sys
from pathlib import Path
from typing import Any

import torch
from transformers import T5ForConditionalGeneration

from dsbs import api
from dsbs.training.callbacks import StepCallback

ROOM = {0: 130, 1: 70}
"""Tokens of a forward pass that the memory of each process is said to hold."""


SHARED: dict[str, Any] = {"precision": "fp32", "batch_size": 9, "data_frac": 0.3}
SHARED |= {"max_steps": 8, "eval_every": 3, "max_target_tokens": 32}


def main(farm: Path, out: Path) -> None:
    plain = SHARED | {"answers": [farm / "first"], "dropout": 0.0}
    api.train(**plain, out=out / "replicated")
    # Passes of 60 tokens: more of them on one process than on the other.
    api.train(**plain, shard=True, micro_batch_tokens=60, out=out / "sharded")
    soft = plain | {
        "answers": [farm / "first", farm / "second"],
        "soft_weight": 0.5,
        "gradient_checkpointing": True,
    }
    api.train(**soft, out=out / "soft")
    api.train(**soft, shard=True, out=out / "soft-sharded")
    decoder = plain | {"student": "tiny-gemma"}
    api.train(**decoder, out=out / "decoder")
    api.train(**decoder, shard=True, out=out / "decoder-sharded")
    dropping = plain | {"dropout": 0.1}
    api.train(**dropping, shard=True, out=out / "whole")
    interrupted(dropping, out / "parts")
    api.train(**dropping, shard=True, out=out / "parts")
    interrupted(plain, out / "moved")  # to one process, by the test
    with_little_memory(plain, out / "tight")


def interrupted(settings: dict[str, Any], out: Path) -> None:
    ended = StepCallback.on_step_end

    def stop(self: Any, args: Any, state: Any, control: Any, **more: Any) -> None:
        if state.global_step == 5:
            raise KeyboardInterrupt
        ended(self, args, state, control, **more)

    StepCallback.on_step_end = stop  # type: ignore[method-assign]
    try:
        api.train(**settings, shard=True, out=out)
    except KeyboardInterrupt:
        pass
    finally:
        StepCallback.on_step_end = ended  # type: ignore[method-assign]


def with_little_memory(settings: dict[str, Any], out: Path) -> None:
    """Passes that keep activations run out of memory above some tokens, on one process sooner than
    on the other.
    """
    forward = T5ForConditionalGeneration.forward

    @functools.wraps(forward)
    def limited(self: Any, **given: Any) -> Any:
        tokens = sum(
            given[name].numel()
            for name in ("input_ids", "decoder_input_ids")
            if torch.is_grad_enabled()
        )
        if tokens > ROOM[torch.distributed.get_rank()]:
            raise torch.OutOfMemoryError
        return forward(self, **given)

    T5ForConditionalGeneration.forward = limited
    api.train(**settings, out=out)


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:]))
