"""Settings of a training in the words of transformers' Trainer."""

import os
from collections.abc import Mapping
from pathlib import Path

import torch
from transformers import Seq2SeqTrainingArguments

from dsbs.config.presets import Preset
from dsbs.config.recipe import Optimiser
from dsbs.config.train import TrainConfig
from dsbs.core.errors import InputError
from dsbs.core.progress import say
from dsbs.core.require import check_installed
from dsbs.training.callbacks import other_reports

_OPTIMISERS: Mapping[Optimiser, str] = {
    "adamw": "adamw_torch_fused",
    "adafactor": "adafactor",
    "adamw_8bit": "adamw_bnb_8bit",
}


def training_arguments(
    config: TrainConfig, settings: Preset, folder: Path, precision: str
) -> Seq2SeqTrainingArguments:
    """The Trainer's arguments. InputError for an optimiser that is not installed, and under DeepSpeed."""
    if os.environ.get("ACCELERATE_USE_DEEPSPEED", "false").lower() == "true":
        got = "DeepSpeed, which makes an optimiser step of each forward pass"
        raise InputError(
            "accelerate launch",
            got=got,
            expected="FSDP or plain processes",
            fix="use --shard; see docs/scale.md",
        )
    arguments = Seq2SeqTrainingArguments(
        output_dir=str(folder),
        max_steps=settings.max_steps,
        learning_rate=settings.learning_rate,
        lr_scheduler_type="linear",
        optim=_optimiser(config.optimiser),
        weight_decay=0.0,
        max_grad_norm=1.0,
        seed=config.seed,
        bf16=precision == "bf16",
        gradient_checkpointing=config.gradient_checkpointing,
        gradient_checkpointing_kwargs={"use_reentrant": False},
        # Said outright, because only then several processes on CPUs find each other.
        use_cpu=not torch.accelerator.is_available(),
        # A step is one item of the data loader, whatever it is cut into; see StepTrainer.
        gradient_accumulation_steps=1,
        per_device_train_batch_size=1,
        eval_strategy="steps",
        eval_steps=settings.eval_every,
        save_strategy="steps",
        save_steps=settings.eval_every,
        save_total_limit=1,
        logging_steps=max(1, settings.eval_every // 5),
        logging_nan_inf_filter=False,
        remove_unused_columns=False,
        ddp_find_unused_parameters=False,
        report_to=other_reports(config.report_to) or "none",
        disable_tqdm=True,
    )
    if arguments.world_size == 1 and arguments.n_gpu > 1:
        say(
            f"using 1 of {arguments.n_gpu} GPUs; torchrun --nproc-per-node {arguments.n_gpu} -m dsbs.train uses all"
        )
        arguments._n_gpu = 1
    return arguments


def _optimiser(wanted: Optimiser) -> str:
    if wanted == "adamw_8bit":
        check_installed("bitsandbytes", needed_by=f"--optimiser {wanted}")
    return _OPTIMISERS[wanted]
