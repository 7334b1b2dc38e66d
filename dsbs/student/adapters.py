"""Low-rank adapters: train a hundredth of the weights, save the whole model."""

import copy
from typing import Any

from transformers import PreTrainedModel

from dsbs.core.require import require


def with_adapters(model: PreTrainedModel, rank: int, task: str) -> Any:
    """The model with adapters at every linear layer but the output. Only they are trained.

    Their product is scaled by 2, whatever the rank. `task` is what peft calls the model's task.
    """
    require("peft", "train", needed_by="--lora-rank")
    from peft import LoraConfig, get_peft_model

    settings = LoraConfig(task_type=task, r=rank, lora_alpha=2 * rank, target_modules="all-linear")
    return get_peft_model(model, settings)


def merged(model: Any) -> PreTrainedModel:
    """A copy of the model with its adapters added to its weights. Without adapters: the model."""
    if not hasattr(model, "merge_and_unload"):
        return model
    return copy.deepcopy(model).merge_and_unload()
