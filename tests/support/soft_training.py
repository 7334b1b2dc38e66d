"""Short trainings on the farm with two teachers, and their parts."""

import math
from typing import Any

import torch

from dsbs.config.train import TrainConfig
from dsbs.distillation.training_set import load_material
from dsbs.student.model import build_model
from dsbs.training.batching import Collator, StepBatch
from dsbs.training.objective import Objective
from dsbs.training.prepare import Plan, plan_training
from support.farm import Farm

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


def planned(farm: Farm, **more: Any) -> Plan:
    config = TrainConfig(**settings(farm, **more))
    return plan_training(load_material(config), config)


def loss_and_gradient(
    model: Any, objective: Objective, batch: StepBatch
) -> tuple[float, list[torch.Tensor]]:
    model.zero_grad()
    parts = [
        objective(model, part, batch["sizes"], student=model) for part in batch["micro_batches"]
    ]
    sum(parts, torch.zeros(())).backward()
    return sum(part.item() for part in parts), [
        p.grad.clone() for p in model.parameters() if p.grad is not None
    ]


def step(plan: Plan, most: float = math.inf, count: int = 10, **options: Any) -> StepBatch:
    collator = Collator(plan.encoded.tasks, plan.tokenizer.pad_token_id, most=most, **options)
    return collator(plan.encoded.examples[:count])


def model_of(plan: Plan) -> Any:
    return build_model("tiny", plan.architecture, seed=0).eval()
