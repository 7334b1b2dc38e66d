"""Saving and loading a student: model, tokenizer and card, side by side, with their checksums."""

import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from transformers import (
    AutoTokenizer,
    PreTrainedModel,
    PreTrainedTokenizerBase,
)
from transformers.utils import logging

from dsbs.artifacts.student_card import CARD, StudentCard, read_card
from dsbs.core.checksums import CHECKSUMS, damage, write_checksums
from dsbs.core.errors import InputError
from dsbs.core.files import open_to_umask
from dsbs.student.adapters import merged
from dsbs.student.candidates import Adjust, Candidates, total
from dsbs.student.cpu import tune_cpu
from dsbs.student.decode import generate_texts
from dsbs.student.encoder.scores import score_options
from dsbs.student.encoding import bare_tokens
from dsbs.student.families import FAMILIES
from dsbs.student.family import Family
from dsbs.student.predictor import OnBatch
from dsbs.student.score import score_labels


@dataclass(frozen=True)
class Student:
    """A model that can label inputs."""

    model: PreTrainedModel
    tokenizer: PreTrainedTokenizerBase
    card: StudentCard
    """How it is used."""

    def generate(
        self,
        inputs: Sequence[str],
        *,
        prompt: str,
        max_new_tokens: int,
        stop: str,
        batch_size: int,
        on_batch: OnBatch,
    ) -> list[str]:
        """See `Predictor.generate`."""
        return generate_texts(
            self.model,
            self.tokenizer,
            inputs,
            max_input_tokens=self.card.max_input_tokens,
            max_new_tokens=max_new_tokens,
            batch_size=batch_size,
            stop=stop,
            prompt=prompt,
            on_batch=on_batch,
        )

    def count_tokens(self, text: str) -> int:
        """See `Predictor.count_tokens`."""
        return len(self.tokenizer(text).input_ids)

    def bare_tokens(self, text: str) -> int:
        """See `Predictor.bare_tokens`."""
        return bare_tokens(self.tokenizer, text)

    def score(
        self,
        rows: Sequence[Candidates],
        *,
        prompt: str,
        batch_size: int,
        on_batch: OnBatch,
        adjust: Adjust = total,
    ) -> list[dict[str, float]]:
        """See `Predictor.score`."""
        if self.card.family == "encoder":
            return score_options(
                self.model,
                self.tokenizer,
                rows,
                max_input_tokens=self.card.max_input_tokens,
                batch_size=batch_size,
                on_batch=on_batch,
            )
        return score_labels(
            self.model,
            self.tokenizer,
            rows,
            max_input_tokens=self.card.max_input_tokens,
            batch_size=batch_size,
            prompt=prompt,
            adjust=adjust,
            on_batch=on_batch,
        )


def save_student(
    student: Student, folder: Path, weights: Mapping[str, torch.Tensor] | None = None
) -> None:
    """Write weights, tokenizer, card and checksums.

    An older student in the folder is replaced as a whole, or not at all.

    Args:
        student: What to save. Adapters are merged into its weights.
        folder: Where to.
        weights: Saved in place of the model's own, where those are sharded.
    """
    partial = folder.with_name(f".{folder.name}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    merged(student.model).save_pretrained(
        partial, state_dict=None if weights is None else dict(weights)
    )
    student.tokenizer.save_pretrained(partial)
    student.card.write(partial)
    open_to_umask(partial, partial / CARD)
    write_checksums(partial)
    old = folder.with_name(f".{folder.name}.old")
    shutil.rmtree(old, ignore_errors=True)
    if folder.exists():
        folder.rename(old)
    partial.rename(folder)
    shutil.rmtree(old, ignore_errors=True)


def load_student(folder: Path, device: torch.device | str | None = None) -> Student:
    """The student of a checkpoint folder, in fp32, ready to predict.

    Args:
        folder: A folder that `save_student` wrote.
        device: Default: the accelerator, if there is one.

    Raises:
        InputError: There is no student, or its files have changed since they were written.
    """
    silence_libraries()
    tune_cpu()
    card = read_card(folder)
    check_whole(folder)
    family = FAMILIES[card.family]
    loaded, tokenizer = _load(folder, family)
    model: Any = family.ready(loaded)
    model.to(device or best_device()).eval()
    return Student(model, tokenizer, card)


def _load(folder: Path, family: Family) -> tuple[PreTrainedModel, PreTrainedTokenizerBase]:
    """Weights and tokenizer. InputError where these libraries cannot read them."""
    try:
        model = family.auto_class.from_pretrained(folder, dtype=torch.float32)
        return model, AutoTokenizer.from_pretrained(folder)
    except (MemoryError, torch.OutOfMemoryError):
        raise
    except Exception as error:  # the libraries raise many kinds for files that are damaged
        lines = str(error).strip().splitlines() or [type(error).__name__]
        fix = "copy the folder again, or train the student again"
        raise InputError(folder, got=lines[0], expected="a student that loads", fix=fix) from error


def check_whole(folder: Path) -> None:
    """InputError where files of a saved student have changed. Folders without checksums pass."""
    found = damage(folder) if (folder / CHECKSUMS).is_file() else ""
    if found:
        fix = "copy the folder again, or train the student again"
        raise InputError(
            folder, got=f"a damaged student: {found}", expected="the files as saved", fix=fix
        )


def best_device() -> torch.device:
    """The accelerator if there is one, else the CPU."""
    accelerator = torch.accelerator.current_accelerator(check_available=True)
    return torch.device("cpu") if accelerator is None else accelerator


def silence_libraries() -> None:
    """Keep transformers from writing progress and warnings to the terminal."""
    logging.set_verbosity_error()
    logging.disable_progress_bar()


def use_threads(count: int) -> None:
    """Have one forward pass use this many threads of a CPU."""
    torch.set_num_threads(count)
