"""Training with weights, gradients and optimizer states sharded over devices: PyTorch's FSDP2.

accelerate's own policy shards the shared embedding by itself. T5 reads it in two stacks, which
PyTorch refuses from 2.13 on. Here every block is one group of shards, and everything else is one
more: the embedding, the output and the last norms.
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

from dsbs.config.recipe import Optimization
from dsbs.core.errors import InputError
from dsbs.metrics.prediction_counts import PredictionCounts
from dsbs.student.padding import MicroBatch
from dsbs.training.objective import Objective
from dsbs.training.trainer import StepTrainer

WANTED_BY_ACCELERATE = os.environ.pop("ACCELERATE_USE_FSDP", "false").lower() == "true"
"""Whether `accelerate launch` with an FSDP configuration wants sharding.

dsbs shards, so the variable is removed: accelerate must not do it again.
"""


def is_sharded(optimization: Optimization, ranks: int) -> bool:
    """Whether to shard: it is wanted, and there are several processes.

    Raises:
        InputError: It is wanted, and something else is not possible with it.
    """
    if not optimization.shard and not WANTED_BY_ACCELERATE:
        return False
    optimizer = optimization.optimizer
    impossible = {
        "--lora-rank": optimization.lora_rank,
        "--optimizer": None if optimizer == "adamw" else optimizer,
    }
    for flag, value in impossible.items():
        if value is not None:
            raise InputError(
                flag,
                got=value,
                expected="all weights trained by adamw, where they are sharded",
                fix="leave out --shard or this",
            )
    return ranks > 1


class StudentWithObjective(nn.Module):
    """A student and its objective as one module.

    FSDP gathers weights for a whole forward pass of the outermost module, and with soft labels the
    encoder runs by itself first.
    """

    def __init__(self, student: Any, objective: Objective) -> None:
        super().__init__()
        self.student = student
        self.objective = objective

    def forward(self, batches: Sequence[MicroBatch], sizes: torch.Tensor) -> torch.Tensor:
        """The loss of a pass; see Objective."""
        return self.objective.of_pass(self.student, batches, sizes)


def shard(module: StudentWithObjective, device: torch.device, *, bf16: bool = False) -> None:
    """Shard the parameters over all processes, in place, and move them to the device.

    They are kept and summed in fp32. With `bf16` they are gathered and multiplied in bf16.
    """
    # The position bias that a block passes on is a view, and nothing in T5 writes to it.
    warnings.filterwarnings("ignore", message="FSDP2-wrapped module .* returned a view tensor")
    mesh = init_device_mesh(device.type, (dist.get_world_size(),))
    low = torch.bfloat16 if bf16 else None
    policy = MixedPrecisionPolicy(low, torch.float32)
    # A micro-batch must not be cast: its numbers are weights of the loss.
    outer_policy = MixedPrecisionPolicy(low, torch.float32, cast_forward_inputs=False)
    blocks = set(module.student._no_split_modules or ())
    for part in list(module.student.modules()):
        if type(part).__name__ in blocks:
            fully_shard(part, mesh=mesh, mp_policy=policy)
    fully_shard(module, mesh=mesh, mp_policy=outer_policy)


@contextmanager
def unsharded(module: nn.Module) -> Iterator[None]:
    """Within this context every device has all parameters.

    So every process can run as many forward passes as it likes.
    """
    groups: list[Any] = [part for part in module.modules() if isinstance(part, FSDPModule)]
    outermost: Any = module
    outermost.set_reshard_after_forward(False)
    for group in groups:
        group.unshard()
    try:
        yield
    finally:
        for group in groups:
            group.reshard()
        outermost.set_reshard_after_forward(True)
        # The backward pass needs the outermost group at once.
        outermost.set_reshard_after_forward(False, recurse=False)


def whole_tensors(values: Any, *, keep: bool) -> Any:
    """The values with every sharded tensor whole, on the CPU. None instead where not `keep`.

    Every process must call it.
    """

    def whole(value: Any) -> Any:
        if isinstance(value, DTensor):
            value = value.full_tensor()
        if not keep:
            return None
        return value.cpu() if isinstance(value, torch.Tensor) else value

    return tree_map(whole, values)


class ShardedTrainer(StepTrainer):
    """A StepTrainer with a sharded student.

    It writes the files of an unsharded training. So either one can resume from the other's
    checkpoints, on any number of devices.
    """

    def _move_model_to_device(self, model: Any, device: torch.device) -> None:
        """Do nothing: `shard` moves it."""

    def create_optimizer(self, model: Any = None) -> torch.optim.Optimizer:
        """The optimizer of the shards, made now: a checkpoint's weights have been read."""
        # For autocast alone.
        self.accelerator.prepare_model(self.model, device_placement=False, evaluation_mode=True)
        self._wrapped = StudentWithObjective(self.model, self._objective)
        shard(self._wrapped, self.args.device, bf16=self.args.bf16)
        optimizer = super().create_optimizer(model)
        optimizer.register_load_state_dict_pre_hook(_shard_state)
        return optimizer

    @property
    def _probes_memory(self) -> bool:
        """No: a process that ran out of memory would leave the others waiting for its shards."""
        return False

    def _wrap_model(
        self, model: Any, training: bool = True, dataloader: Any = None
    ) -> StudentWithObjective:
        return self._wrapped

    def _padded_passes(self, passes: list[list[MicroBatch]]) -> list[list[MicroBatch]]:
        """As many passes as the process with the most has: each gathers weights from all."""
        count = torch.tensor(len(passes), device=self.args.device)
        dist.all_reduce(count, dist.ReduceOp.MAX)
        return passes + [[self._collator.nothing()]] * (int(count) - len(passes))

    def _apply_objective(
        self, model: StudentWithObjective, batches: Sequence[MicroBatch], sizes: torch.Tensor
    ) -> torch.Tensor:
        return model(batches, sizes)

    def _clip_grad_norm(self, model: Any) -> Any:
        norm = super()._clip_grad_norm(model)
        return norm.full_tensor() if isinstance(norm, DTensor) else norm

    def _validation_counts(self) -> PredictionCounts:
        with unsharded(self._wrapped):
            return super()._validation_counts()

    def _weights(self) -> Mapping[str, torch.Tensor] | None:
        state = self.model.state_dict()
        names = [name for name, _ in self.model.named_parameters()]
        names += [name for name, _ in self.model.named_buffers()]
        own = {name: state[name] for name in names if name in state}
        return whole_tensors(own, keep=self.args.should_save)

    def save_model(self, output_dir: str | None = None, _internal_call: bool = False) -> None:
        """Write the whole model, as `Trainer` does."""
        weights = self._weights()
        if self.args.should_save:
            self._save(output_dir, state_dict=dict(weights or {}))

    def _save_optimizer_and_scheduler(self, output_dir: str) -> None:
        state = whole_tensors(self.optimizer.state_dict(), keep=self.args.should_save)
        if self.args.should_save:
            torch.save(state, Path(output_dir) / "optimizer.pt")
            scheduler: Any = self.lr_scheduler
            torch.save(scheduler.state_dict(), Path(output_dir) / "scheduler.pt")


def _shard_state(optimizer: torch.optim.Optimizer, state: dict[str, Any]) -> dict[str, Any]:
    """The state of an unsharded optimizer, sharded like the parameters."""
    parameters = [parameter for group in optimizer.param_groups for parameter in group["params"]]
    numbers = [number for group in state["param_groups"] for number in group["params"]]
    own = state["state"]
    sharded = {
        number: {key: _shard_like(value, parameter) for key, value in own[number].items()}
        for number, parameter in zip(numbers, parameters, strict=True)
        if number in own
    }
    return {**state, "state": sharded}


def _shard_like(value: Any, parameter: torch.Tensor) -> Any:
    is_moment = isinstance(value, torch.Tensor) and value.shape == parameter.shape
    if is_moment and isinstance(parameter, DTensor):
        return distribute_tensor(value, parameter.device_mesh, parameter.placements)
    return value
