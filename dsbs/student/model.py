"""The student to start from: a hub name, a folder, one that travels with dsbs, or a built-in random configuration."""

import functools
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import torch
from transformers import (
    AutoConfig,
    AutoModelForSeq2SeqLM,
    AutoTokenizer,
    PreTrainedConfig,
    PreTrainedModel,
    PreTrainedTokenizerBase,
    PreTrainedTokenizerFast,
    T5Config,
    set_seed,
)

from dsbs.config.presets import BUILT_IN, PACKAGED
from dsbs.core.errors import InputError
from dsbs.core.files import packaged
from dsbs.student.adapters import with_adapters
from dsbs.student.t5.fused_layers import lean
from dsbs.student.tokenizer import train_tokenizer


def load_tokenizer(name: str, texts: Callable[[], Sequence[str]]) -> PreTrainedTokenizerBase:
    """The tokenizer of a student; a built-in one's is made from `texts`, the task's training text."""
    if name in BUILT_IN:
        return _trained_tokenizer(tuple(texts()), BUILT_IN[name]["vocab_size"])
    return loaded(name, AutoTokenizer.from_pretrained)


def load_config(
    name: str, tokenizer: PreTrainedTokenizerBase, dropout: float | None = None
) -> PreTrainedConfig:
    """The architecture of a student, with another dropout rate where one is given."""
    changes: dict[str, Any] = {} if dropout is None else {"dropout_rate": dropout}
    if name not in BUILT_IN:
        return loaded(name, AutoConfig.from_pretrained, **changes)
    ids = {"pad_token_id": tokenizer.pad_token_id, "eos_token_id": tokenizer.eos_token_id}
    ids["decoder_start_token_id"] = tokenizer.pad_token_id
    return T5Config(**{**BUILT_IN[name], "vocab_size": len(tokenizer), **ids, **changes})


def build_model(
    name: str, config: PreTrainedConfig, *, seed: int, lora_rank: int | None = None
) -> PreTrainedModel:
    """The model in fp32, with the weights of its checkpoint; a built-in one has random weights by the seed.

    With a `lora_rank` it has adapters, and nothing else of it is trained.
    """
    set_seed(seed)
    if name in BUILT_IN:
        model = AutoModelForSeq2SeqLM.from_config(config)
    else:  # a checkpoint in half precision would otherwise be trained in half precision: masters are fp32
        model = loaded(
            name, AutoModelForSeq2SeqLM.from_pretrained, config=config, dtype=torch.float32
        )
    return with_adapters(lean(model), lora_rank) if lora_rank else lean(model)


def loaded(name: str, load: Callable[..., Any], *, flag: str = "--student", **options: Any) -> Any:
    """What `load` makes of a name or folder. InputError, naming the flag, where it is none that it can read."""
    try:
        return load(packaged(PACKAGED[name]) if name in PACKAGED else name, **options)
    except (OSError, ValueError) as error:
        kind = "folder" if Path(name).exists() else "hub name or built-in"
        raise InputError(
            f"{flag} {name}",
            got=str(error).splitlines()[0],
            expected=f"a {kind} that loads as a sequence-to-sequence model (built-in: {', '.join([*BUILT_IN, *PACKAGED])})",
            fix="check name and network",
        ) from None


@functools.lru_cache(maxsize=1)
def _trained_tokenizer(texts: tuple[str, ...], vocab_size: int) -> PreTrainedTokenizerFast:
    """The cells of a comparison share their training text, and so the tokenizer."""
    return train_tokenizer(texts, vocab_size)
