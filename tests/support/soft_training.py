"""Short trainings on the farm with two teachers, and their parts."""

import math
from typing import Any

import torch

from dsbs.student.model import build_model
from dsbs.training.batching import Collator, StepBatch
from dsbs.training.objective import Objective
from dsbs.training.prepare import PreparedTraining, prepare
from support.farm import Farm
from support.trainings import data_of, settings_of

FAST: dict[str, Any] = {
    "max_steps": 6,
    "batch_size": 8,
    "eval_every": 3,
    "max_target_tokens": 32,
    "dropout": 0.0,
}

CLOSE: dict[str, float] = {"rtol": 1e-4, "atol": 1e-6}


def settings(farm: Farm, **more: Any) -> dict[str, Any]:
    return {"answers": [farm.folder / "first", farm.folder / "second"], **FAST, **more}


def prepared(farm: Farm, **more: Any) -> PreparedTraining:
    flags = settings(farm, **more)
    data = data_of(**flags)
    return prepare(settings_of(data, **flags), data)


def loss_and_gradient(
    model: Any, objective: Objective, batch: StepBatch
) -> tuple[float, list[torch.Tensor]]:
    model.zero_grad()
    parts = [objective(model, part, batch.sizes, student=model) for part in batch.micro_batches]
    sum(parts, torch.zeros(())).backward()
    return sum(part.item() for part in parts), [
        p.grad.clone() for p in model.parameters() if p.grad is not None
    ]


def step(
    plan: PreparedTraining, max_tokens: float = math.inf, count: int = 10, **options: Any
) -> StepBatch:
    collator = Collator(
        plan.encoded.tasks, plan.tokenizer.pad_token_id, max_tokens=max_tokens, **options
    )
    return collator(plan.encoded.examples[:count])


def model_of(plan: PreparedTraining) -> Any:
    return build_model("tiny", plan.architecture, seed=0).eval()
