"""Training a decoder-only student: ours against TRL's SFTTrainer on the same pairs.

    python benchmarks/train.py decoder --shapes gemma4

Both learn the label and the rationale of each example (step_by_step). The trainer learns each as a
sequence of its own: input, marker and target, with a loss at the target alone, padded in batches
of `--rows` rows. Ours computes an example's input once, and logits at targets alone. Without TRL
(it is not needed for anything else), transformers' Trainer takes its place.
"""

import math
import os
import tempfile
import time
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from transformers import Gemma3TextConfig, Trainer, TrainerCallback, TrainingArguments

from dsbs.scaling.single_stack import SingleStack
from dsbs.student.cpu import tune_cpu
from dsbs.student.decoder_only.family import DECODER_ONLY
from dsbs.student.encoding import EncodedTarget
from dsbs.student.padding import pad_rows
from dsbs.training.batching import Collator
from dsbs.training.objective import Objective

TASKS = ("label", "rationale")
MARKERS = ((108, 236840, 3051, 236842), (108, 236840, 155502, 236842))
"""As long as "\\n[label]" and "\\n[rationale]" in Gemma's tokens."""

_MINI = {"hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2, "vocab_size": 256_000}
DECODERS = {
    "gemma-mini": _MINI | {"num_attention_heads": 2, "num_key_value_heads": 1, "head_dim": 16},
    "gemma4": {
        "hidden_size": 640,
        "intermediate_size": 2048,
        "num_hidden_layers": 4,
        "num_attention_heads": 4,
        "num_key_value_heads": 1,
        "head_dim": 256,
        "vocab_size": 262_144,
    },
}
"""Gemma 3 in miniature for tests, and Gemma 3 270M cut to four layers."""


def build(shape: str) -> Any:
    """A student of this shape with random weights."""
    from transformers import Gemma3ForCausalLM

    torch.manual_seed(0)
    return Gemma3ForCausalLM(Gemma3TextConfig(**DECODERS[shape], pad_token_id=0, eos_token_id=1))


def examples(count: int) -> list[list[EncodedTarget]]:
    """Random tokens in the lengths of CommonsenseQA with PaLM's rationales, as in train.py."""
    rng = np.random.default_rng(0)
    inputs = np.clip(rng.lognormal(math.log(40), 0.16, count), 20, 120).astype(int)
    rationales = np.clip(rng.lognormal(math.log(28), 0.32, count), 5, 120).astype(int)
    labels = rng.integers(2, 5, count)
    found = []
    for n, (x, r, y) in enumerate(zip(inputs, rationales, labels, strict=True)):
        ids = rng.integers(10, 200_000, x).tolist()
        own = []
        for at, tokens in enumerate((y, r)):
            target = [*rng.integers(10, 200_000, tokens - 1).tolist(), 1]
            own.append(EncodedTarget(TASKS[at], 0.5, ids, target, 2 * n + at, prompt=MARKERS[at]))
        found.append(own)
    return found


def real_examples(answers: str, student: str) -> list[list[EncodedTarget]]:
    """The training pairs of a run of `dsbs generate`, in the tokens of a student's folder."""
    from pathlib import Path

    from dsbs.config.resolve import answer_sources, data_source, training_of
    from dsbs.config.train import TrainConfig
    from dsbs.distillation.labeled_data import load_training_data
    from dsbs.training.prepare import prepare

    config = TrainConfig(answers=[Path(answers)], student=student, method="step_by_step")
    data = load_training_data(data_source(config), answer_sources(config))
    return list(prepare(training_of(config, data.task), data).encoded.examples)


def by_tokens(step: Sequence[Sequence[EncodedTarget]]) -> list[list[EncodedTarget]]:
    """The same with weights that make the loss the mean over all target tokens, as theirs is."""
    flat = [s for example in step for s in example]
    total = sum(len(s.target_ids) for s in flat)
    share = {t: sum(len(s.target_ids) for s in flat if s.task == t) / total for t in TASKS}
    return [[replace(s, weight=share[s.task]) for s in example] for example in step]


class Ours:
    """The steps of `dsbs train`."""

    def __init__(self, shape: str, *, bf16: bool) -> None:
        self.model = DECODER_ONLY.ready(build(shape)).train()
        self.bf16 = bf16
        vocabulary = self.model.config.vocab_size
        self.collator = Collator(
            TASKS,
            0,
            packs=True,
            pass_tokens=max(512, min(4096, 4096 * 100_000 // vocabulary)),
            family=DECODER_ONLY,
        )
        self.optimizer = torch.optim.AdamW(
            self.model.parameters(), lr=5e-5, weight_decay=0.0, fused=True
        )

    def backward(self, step: Sequence[Sequence[EncodedTarget]]) -> float:
        """Forward and backward of a step; its loss."""
        made = self.collator(by_tokens(step))
        total = 0.0
        for batches in self.collator.passes(made.micro_batches):
            with torch.autocast("cpu", torch.bfloat16, enabled=self.bf16):
                loss = Objective().of_pass(self.model, batches, made.sizes)
            loss.backward()
            total += loss.item()
        return total

    def seconds(self, steps: Sequence[Sequence[Sequence[EncodedTarget]]]) -> list[float]:
        """Of each optimizer step."""
        found = []
        for step in steps:
            started = time.monotonic()
            self.backward(step)
            torch.nn.utils.clip_grad_norm_(self.model.parameters(), 1.0)
            self.optimizer.step()
            self.optimizer.zero_grad()
            found.append(time.monotonic() - started)
        return found


def sequences(step: Sequence[Sequence[EncodedTarget]]) -> list[dict[str, list[int]]]:
    """Every target as a sequence of its own, as a trainer of language models takes it."""
    return [
        {
            "input_ids": [*s.input_ids, *s.prompt, *s.target_ids],
            "labels": [-100] * (len(s.input_ids) + len(s.prompt)) + s.target_ids,
        }
        for example in step
        for s in example
    ]


class _Clock(TrainerCallback):
    def __init__(self) -> None:
        self.seconds: list[float] = []

    def on_step_begin(self, *unused: Any, **also_unused: Any) -> None:
        self.started = time.monotonic()

    def on_step_end(self, *unused: Any, **also_unused: Any) -> None:
        self.seconds.append(time.monotonic() - self.started)


def theirs(
    shape: str, steps: Sequence[Sequence[Sequence[EncodedTarget]]], *, rows: int, bf16: bool
) -> tuple[str, list[float], list[float]]:
    """The trainer's name, and seconds and loss of each step."""
    from datasets import Dataset

    flat = [row for step in steps for row in sequences(step)]
    clock = _Clock()
    with tempfile.TemporaryDirectory() as folder:
        shared: dict[str, Any] = {
            "output_dir": folder,
            "per_device_train_batch_size": rows,
            "gradient_accumulation_steps": 2 * len(steps[0]) // rows,
            "max_steps": len(steps),
            "learning_rate": 5e-5,
            "weight_decay": 0.0,
            "logging_steps": 1,
            "save_strategy": "no",
            "report_to": "none",
            "bf16": bf16,
            "use_cpu": True,
            "disable_tqdm": True,
            "gradient_checkpointing": False,
        }
        name, trainer = _trainer(build(shape), Dataset.from_list(flat), shared, clock)
        trainer.train()
        losses = [log["loss"] for log in trainer.state.log_history if "loss" in log]
    return name, clock.seconds, losses


def _trainer(model: Any, data: Any, shared: dict[str, Any], clock: _Clock) -> tuple[str, Trainer]:
    try:
        import trl
    except ImportError:
        return "transformers' Trainer", Trainer(
            model=model,
            args=TrainingArguments(**shared, train_sampling_strategy="sequential"),
            train_dataset=data,
            data_collator=_padded,
            callbacks=[clock],
        )
    arguments = trl.SFTConfig(**shared, max_length=None, shuffle_dataset=False)
    trainer = trl.SFTTrainer(
        model=model,
        args=arguments,
        train_dataset=data,
        data_collator=_padded,
        processing_class=_tokens(),
        callbacks=[clock],
    )
    trainer._get_train_sampler = lambda *unused: None
    return f"TRL {trl.__version__}'s SFTTrainer", trainer


def _tokens() -> Any:
    """A tokenizer, which the trainer wants and does not use."""
    from dsbs.student.tokenizer import train_tokenizer

    return train_tokenizer(["unused"], 300)


def _padded(rows: Sequence[dict[str, list[int]]]) -> dict[str, torch.Tensor]:
    ids = [row["input_ids"] for row in rows]
    return {
        "input_ids": pad_rows(ids, 0),
        "attention_mask": pad_rows([[1] * len(each) for each in ids], 0),
        "labels": pad_rows([row["labels"] for row in rows], -100),
    }


def bound(shape: str, step: Sequence[Sequence[EncodedTarget]], rows: int) -> float:
    """Their multiplications over ours: what sharing inputs and fewer logits alone would give."""
    size = SingleStack.from_config(DECODERS[shape])
    assert size is not None
    flat = sequences(step)
    padded = np.array(
        [
            max(len(row["input_ids"]) for row in flat[at : at + rows])
            for at in range(0, len(flat), rows)
            for _ in flat[at : at + rows]
        ],
        dtype=float,
    )
    theirs = size.training_flops(padded, predicted_tokens=padded).sum()
    written = [sum(s.decoder_tokens for s in example) for example in step]
    inputs = [len(example[0].input_ids) for example in step]
    targets = [sum(len(s.target_ids) for s in example) for example in step]
    ours = size.training_flops(
        np.array(written, dtype=float) + inputs, predicted_tokens=np.array(targets, dtype=float)
    ).sum()
    return float(theirs / ours)


def compare(
    shape: str,
    *,
    batch_size: int,
    steps: int,
    rows: int,
    bf16: bool,
    data: Sequence[Sequence[EncodedTarget]] | None = None,
) -> None:
    """Examples per second of both, and how far their first losses are apart."""
    os.environ["TOKENIZERS_PARALLELISM"] = "false"
    known = list(data or examples(batch_size * (steps + 1)))
    cut = [known[at : at + batch_size] for at in range(0, batch_size * (steps + 1), batch_size)]
    name, seconds, losses = theirs(shape, cut, rows=rows, bf16=bf16)
    tune_cpu()  # for the rest of the process, as `dsbs train` does
    ours = Ours(shape, bf16=bf16)
    loss = ours.backward(cut[0])
    ours.optimizer.zero_grad()
    own_seconds = ours.seconds(cut)
    their_rate = batch_size / min(seconds[1:])
    own_rate = batch_size / min(own_seconds[1:])
    print(
        f"{shape}, batch {batch_size}, {'bf16' if bf16 else 'fp32'}, {rows} rows a pass of theirs"
    )
    print(f"{name:30} {their_rate:7.2f} examples/s, first loss {losses[0]:.4f}")
    print(f"{'dsbs':30} {own_rate:7.2f} examples/s, first loss {loss:.4f}")
    print(
        f"{own_rate / their_rate:.2f} x; {bound(shape, cut[0], rows):.2f} x fewer multiplications",
        flush=True,
    )
