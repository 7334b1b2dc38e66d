"""A student: model, tokenizer, and a card with all that predicting needs, saved side by side."""

import json
import shutil
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from transformers import (
    AutoModelForSeq2SeqLM,
    AutoTokenizer,
    PreTrainedModel,
    PreTrainedTokenizerBase,
)
from transformers.utils import logging

from dsbs.config.base import Decode
from dsbs.config.recipe import TaskPrefix
from dsbs.core.errors import InputError
from dsbs.core.files import write_json
from dsbs.core.records import Method
from dsbs.core.version import __version__
from dsbs.student.adapters import merged
from dsbs.student.cpu import settle
from dsbs.student.t5.fused_layers import lean
from dsbs.tasks.prompts import task_from
from dsbs.tasks.task import Task

BEST, CARD = "best", "dsbs.json"
"""The folder of a run that holds its student, and the file that says all about it."""


@dataclass(frozen=True)
class Card:
    """What a checkpoint remembers, so that predicting never depends on the user remembering a flag."""

    task: Task
    method: Method
    prefixes: dict[str, str]
    decode: Decode
    max_input_tokens: int
    max_target_tokens: int
    max_label_tokens: int
    task_prefix: TaskPrefix = "encoder"

    def asked(self, task: str, text: str) -> str:
        """What the encoder reads."""
        return text if self.task_prefix == "decoder" else self.prefixes[task] + text

    def prompt(self, task: str) -> str:
        """What the decoder reads before it says anything."""
        return self.prefixes[task] if self.task_prefix == "decoder" else ""

    def to_json(self) -> dict[str, Any]:
        """Plain values; the label set stands beside the task for whoever reads the file."""
        values = {**asdict(self), "task": self.task.model_dump(mode="json")}
        return {"dsbs": __version__, "labels": list(self.task.label.labels), **values}


@dataclass(frozen=True)
class Student:
    """A model that can be asked. `card` says how."""

    model: PreTrainedModel
    tokenizer: PreTrainedTokenizerBase
    card: Card


def save_student(
    student: Student, folder: Path, weights: Mapping[str, torch.Tensor] | None = None
) -> None:
    """Write safetensors, tokenizer and card; an older student in the folder is replaced as a whole or not at all.

    `weights` stand in for the model's own where those are sharded.
    """
    partial = folder.with_name(f".{folder.name}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    merged(student.model).save_pretrained(partial, state_dict=weights)
    student.tokenizer.save_pretrained(partial)
    write_json(partial / CARD, student.card.to_json())
    old = folder.with_name(f".{folder.name}.old")
    shutil.rmtree(old, ignore_errors=True)
    if folder.exists():
        folder.rename(old)
    partial.rename(folder)
    shutil.rmtree(old, ignore_errors=True)


def load_student(folder: Path, device: torch.device | str | None = None) -> Student:
    """The student of a folder, in fp32 for evaluation. InputError where it is none of dsbs."""
    quiet()
    settle()
    card = read_card(folder)
    model = lean(AutoModelForSeq2SeqLM.from_pretrained(folder, dtype=torch.float32))
    model.to(device or best_device()).eval()
    return Student(model, AutoTokenizer.from_pretrained(folder), card)


def read_card(folder: Path) -> Card:
    """The card of a checkpoint folder. InputError where it is missing or not readable."""
    try:
        values = json.loads((folder / CARD).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise InputError(
            folder, got=error, expected=f"a student with its {CARD}", fix="name a run of dsbs train"
        ) from None
    known = {key: values[key] for key in Card.__dataclass_fields__ if key in values}
    return Card(**{**known, "task": task_from(values["task"], where=str(folder / CARD))})


def best_device() -> torch.device:
    """The accelerator where there is one, else the CPU."""
    accelerator = torch.accelerator.current_accelerator(check_available=True)
    return torch.device("cpu") if accelerator is None else accelerator


def quiet() -> None:
    """Keep the libraries from writing to the terminal: progress and warnings are ours to show."""
    logging.set_verbosity_error()
    logging.disable_progress_bar()
