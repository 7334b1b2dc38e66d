"""The model and the tokenizer of a checkpoint, as transformers has them: no layer is replaced."""

import shutil
from pathlib import Path
from typing import Any

import torch

from dsbs.core.records import FamilyName
from dsbs.student.checkpoint import silence_libraries
from dsbs.student.families import FAMILIES

_TOKENIZER_FILES = (
    "tokenizer.json",
    "tokenizer_config.json",
    "special_tokens_map.json",
    "added_tokens.json",
    "spiece.model",
)


def load_source(checkpoint: Path, family: FamilyName) -> Any:
    """The model in fp32, with attention in plain operations that every target knows.

    Args:
        checkpoint: Its folder.
        family: What kind of model it is.
    """
    silence_libraries()
    load = FAMILIES[family].auto_class.from_pretrained
    return load(checkpoint, dtype=torch.float32, attn_implementation="eager").eval()


def copy_tokenizer(checkpoint: Path, out: Path) -> None:
    """Copy the files of the tokenizer."""
    for name in _TOKENIZER_FILES:
        if (checkpoint / name).is_file():
            shutil.copyfile(checkpoint / name, out / name)
