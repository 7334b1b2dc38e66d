"""The settings of a training as arguments of transformers' Trainer."""

import os
from collections.abc import Mapping
from pathlib import Path

import torch
from transformers import Seq2SeqTrainingArguments

from dsbs.config.recipe import Training
from dsbs.config.student_options import Optimizer, Precision
from dsbs.core.errors import InputError
from dsbs.core.progress import say
from dsbs.core.require import check_installed
from dsbs.training.callbacks import other_reports

_OPTIMIZERS: Mapping[Optimizer, str] = {
    "adamw": "adamw_torch_fused",
    "adafactor": "adafactor",
    "adamw_8bit": "adamw_bnb_8bit",
}


def training_arguments(
    training: Training, folder: Path, precision: Precision
) -> Seq2SeqTrainingArguments:
    """The Trainer's arguments.

    Raises:
        InputError: The optimizer is not installed, or this runs under DeepSpeed.
    """
    if os.environ.get("ACCELERATE_USE_DEEPSPEED", "false").lower() == "true":
        raise InputError(
            "accelerate launch",
            got="DeepSpeed, which makes an optimizer step of each forward pass",
            expected="FSDP or plain processes",
            fix="use --shard; see docs/scale.md",
        )
    settings = training.optimization
    arguments = Seq2SeqTrainingArguments(
        output_dir=str(folder),
        max_steps=settings.max_steps,
        learning_rate=settings.learning_rate,
        lr_scheduler_type="linear",
        optim=_trainer_optimizer(settings.optimizer),
        weight_decay=0.0,
        max_grad_norm=1.0,
        seed=training.seed,
        bf16=precision == "bf16",
        gradient_checkpointing=settings.gradient_checkpointing,
        gradient_checkpointing_kwargs={"use_reentrant": False},
        # Stated, because only then several processes on CPUs find each other.
        use_cpu=not torch.accelerator.is_available(),
        # A step is one item of the data loader, however it is cut; see StepTrainer.
        gradient_accumulation_steps=1,
        per_device_train_batch_size=1,
        eval_strategy="steps",
        eval_steps=settings.eval_every,
        save_strategy="steps",
        save_steps=settings.eval_every,
        # Older checkpoints are deleted once a newer one has its checksums; see seal_checkpoint.
        save_total_limit=None,
        logging_steps=max(1, settings.eval_every // 5),
        logging_nan_inf_filter=False,
        remove_unused_columns=False,
        ddp_find_unused_parameters=False,
        report_to=other_reports(training.report_to) or "none",
        disable_tqdm=True,
    )
    gpus = arguments.n_gpu
    if arguments.world_size == 1 and gpus > 1:
        command = f"torchrun --nproc-per-node {gpus} -m dsbs.train"
        say(f"using 1 of {gpus} GPUs; {command} uses all")
        arguments._n_gpu = 1
    return arguments


def _trainer_optimizer(wanted: Optimizer) -> str:
    if wanted == "adamw_8bit":
        check_installed("bitsandbytes", needed_by=f"--optimizer {wanted}")
    return _OPTIMIZERS[wanted]
