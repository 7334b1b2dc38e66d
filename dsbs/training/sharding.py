"""Training with weights, gradients and optimiser states shared out among devices: PyTorch's FSDP2, cut so that it fits T5.

accelerate's own policy shards the shared embedding by itself, which T5 reads in two stacks, and PyTorch from 2.13 on refuses.
Here every block is a shard group, and all else is one more: embedding, output and last norms.
"""

import os
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
import torch.distributed as dist
from torch import nn
from torch.distributed.device_mesh import init_device_mesh
from torch.distributed.fsdp import FSDPModule, MixedPrecisionPolicy, fully_shard
from torch.distributed.tensor import DTensor, distribute_tensor
from torch.utils._pytree import tree_map

from dsbs.config.train import TrainConfig
from dsbs.core.errors import InputError
from dsbs.student.padding import MicroBatch
from dsbs.training.objective import Objective
from dsbs.training.trainer import StepTrainer

# `accelerate launch` with an FSDP configuration asks for sharding too. It is done here, so accelerate must not do it again.
ASKED_BY_ACCELERATE = os.environ.pop("ACCELERATE_USE_FSDP", "false").lower() == "true"


def sharded(config: TrainConfig, ranks: int) -> bool:
    """Whether to shard: where it is asked for, and there are several processes. InputError for what cannot be sharded."""
    if not config.shard and not ASKED_BY_ACCELERATE:
        return False
    for flag, wrong in (
        ("--lora-rank", config.lora_rank),
        ("--optimiser", config.optimiser != "adamw" and config.optimiser),
    ):
        if wrong:
            expected, fix = (
                "all weights trained by adamw, where they are sharded",
                "leave out --shard or this",
            )
            raise InputError(flag, got=wrong, expected=expected, fix=fix)
    return ranks > 1


class Whole(nn.Module):
    """A student and what it learns as one module, because weights are gathered for a whole forward pass of the outermost one:
    with soft labels the encoder runs by itself first."""

    def __init__(self, student: Any, objective: Objective) -> None:
        super().__init__()
        self.student, self.objective = student, objective

    def forward(self, parts: Sequence[MicroBatch], sizes: torch.Tensor) -> torch.Tensor:
        """The loss of a pass, as the objective has it."""
        return self.objective.of_pass(self.student, parts, sizes)


def shard(whole: Whole, device: torch.device, *, bf16: bool = False) -> None:
    """Share the parameters out among all processes, in place, and move them to the device block by block.

    They are kept and summed in fp32. With `bf16` they are gathered, and multiplied, in bf16.
    """
    # The position bias that a block hands on is a view, and nothing of T5 writes into it.
    warnings.filterwarnings("ignore", message="FSDP2-wrapped module .* returned a view tensor")
    mesh = init_device_mesh(device.type, (dist.get_world_size(),))
    low = torch.bfloat16 if bf16 else None
    blocks = set(whole.student._no_split_modules or ())
    for module in list(whole.student.modules()):
        if type(module).__name__ in blocks:
            fully_shard(module, mesh=mesh, mp_policy=MixedPrecisionPolicy(low, torch.float32))
    # A micro-batch is not to be cast: its numbers are weights of the loss.
    fully_shard(
        whole,
        mesh=mesh,
        mp_policy=MixedPrecisionPolicy(low, torch.float32, cast_forward_inputs=False),
    )


@contextmanager
def gathered(whole: nn.Module) -> Iterator[None]:
    """All parameters whole on every device meanwhile, so that processes may run forward passes each as many as it likes."""
    groups = [module for module in whole.modules() if isinstance(module, FSDPModule)]
    whole.set_reshard_after_forward(False)
    for group in groups:
        group.unshard()
    try:
        yield
    finally:
        for group in groups:
            group.reshard()
        whole.set_reshard_after_forward(True)
        whole.set_reshard_after_forward(
            False, recurse=False
        )  # the outermost: its backward pass needs them at once


def full(values: Any, *, kept: bool) -> Any:
    """The values with every sharded tensor whole, in the processor's memory; None where not `kept`.

    Every process must call it.
    """

    def one(value: Any) -> Any:
        found = value.full_tensor() if isinstance(value, DTensor) else value
        return (found.cpu() if isinstance(found, torch.Tensor) else found) if kept else None

    return tree_map(one, values)


class ShardedTrainer(StepTrainer):
    """A StepTrainer whose student is sharded. What it writes are the files of an unsharded training, so either goes on from the
    other's checkpoints, on any number of devices."""

    def _move_model_to_device(self, model: Any, device: torch.device) -> None:
        """Not whole: `shard` does it."""

    def create_optimizer(self, model: Any = None) -> torch.optim.Optimizer:
        """Of the shards, which are made now: a checkpoint's weights have been read by this time."""
        self.accelerator.prepare_model(
            self.model, device_placement=False, evaluation_mode=True
        )  # autocast alone
        self._whole = Whole(self.model, self._objective)
        shard(self._whole, self.args.device, bf16=self.args.bf16)
        optimizer = super().create_optimizer(model)
        optimizer.register_load_state_dict_pre_hook(_share_out)
        return optimizer

    @property
    def _tries_first(self) -> bool:
        """No: a process that ran out of memory would leave the others waiting for its shards."""
        return False

    def _wrap_model(self, model: Any, training: bool = True, dataloader: Any = None) -> Whole:
        return self._whole

    def _agreed(self, passes: list[list[MicroBatch]]) -> list[list[MicroBatch]]:
        """As many as the process with the most has: every pass gathers weights from all."""
        count = torch.tensor(len(passes), device=self.args.device)
        dist.all_reduce(count, dist.ReduceOp.MAX)
        return passes + [[self._collator.nothing()]] * (int(count) - len(passes))

    def _objective_of(
        self, model: Whole, parts: Sequence[MicroBatch], sizes: torch.Tensor
    ) -> torch.Tensor:
        return model(parts, sizes)

    def _clip_grad_norm(self, model: Any) -> Any:
        norm = super()._clip_grad_norm(model)
        return norm.full_tensor() if isinstance(norm, DTensor) else norm

    def _validated(self) -> tuple[int, int]:
        with gathered(self._whole):
            return super()._validated()

    def _weights(self) -> Mapping[str, torch.Tensor] | None:
        state = self.model.state_dict()
        named = [
            name
            for names in (self.model.named_parameters(), self.model.named_buffers())
            for name, _ in names
        ]
        return full(
            {name: state[name] for name in named if name in state}, kept=self.args.should_save
        )

    def save_model(self, output_dir: str | None = None, _internal_call: bool = False) -> None:
        """As `Trainer` writes it, whole."""
        weights = self._weights()
        if self.args.should_save:
            self._save(output_dir, state_dict=weights)

    def _save_optimizer_and_scheduler(self, output_dir: str) -> None:
        state = full(self.optimizer.state_dict(), kept=self.args.should_save)
        if self.args.should_save:
            torch.save(state, Path(output_dir) / "optimizer.pt")
            torch.save(self.lr_scheduler.state_dict(), Path(output_dir) / "scheduler.pt")


def _share_out(optimizer: torch.optim.Optimizer, state: dict[str, Any]) -> dict[str, Any]:
    """An unsharded optimiser's state, sharded as the parameters are."""
    parameters = [parameter for group in optimizer.param_groups for parameter in group["params"]]
    numbers = [number for group in state["param_groups"] for number in group["params"]]
    shared = {
        number: {key: _like(value, parameter) for key, value in state["state"][number].items()}
        for number, parameter in zip(numbers, parameters, strict=True)
        if number in state["state"]
    }
    return {**state, "state": shared}


def _like(value: Any, parameter: torch.Tensor) -> Any:
    if (
        isinstance(value, torch.Tensor)
        and isinstance(parameter, DTensor)
        and value.shape == parameter.shape
    ):
        return distribute_tensor(value, parameter.device_mesh, parameter.placements)
    return value
