"""The model to start from: a hub name, a folder, or a student that comes with dsbs."""

import functools
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import torch
from transformers import (
    AutoConfig,
    AutoTokenizer,
    PreTrainedConfig,
    PreTrainedModel,
    PreTrainedTokenizerBase,
    PreTrainedTokenizerFast,
    set_seed,
)

from dsbs.config.presets import BUILT_IN, PACKAGED
from dsbs.core.errors import InputError
from dsbs.core.files import packaged
from dsbs.core.start_token import give_start_token
from dsbs.student.adapters import with_adapters
from dsbs.student.checkpoint import check_whole
from dsbs.student.families import family_of
from dsbs.student.tokenizer import train_tokenizer

_DROPOUT_RATES = (
    "dropout_rate",
    "dropout",
    "attention_dropout",
    "hidden_dropout_prob",
    "attention_probs_dropout_prob",
)
"""Dropout rates in the configurations of all families."""


def load_tokenizer(name: str, texts: Callable[[], Sequence[str]]) -> PreTrainedTokenizerBase:
    """The tokenizer of a student. That of a built-in one is trained on `texts`."""
    if name in BUILT_IN:
        return _trained_tokenizer(tuple(texts()), BUILT_IN[name]["vocab_size"])
    tokenizer = load_pretrained(name, AutoTokenizer.from_pretrained)
    give_start_token(tokenizer, name)
    return tokenizer


def load_config(
    name: str, tokenizer: PreTrainedTokenizerBase, dropout: float | None = None
) -> PreTrainedConfig:
    """The architecture of a student. `dropout` replaces its own rates."""
    if name in BUILT_IN:
        settings = dict(BUILT_IN[name])
        config = AutoConfig.for_model(
            settings.pop("model_type"),
            **settings
            | {
                "vocab_size": len(tokenizer),
                "pad_token_id": tokenizer.pad_token_id,
                "bos_token_id": None,
                "eos_token_id": tokenizer.eos_token_id,
                "decoder_start_token_id": tokenizer.pad_token_id,
            },
        )
    else:
        config = load_pretrained(name, AutoConfig.from_pretrained)
    rates = [rate for rate in _DROPOUT_RATES if dropout is not None and hasattr(config, rate)]
    for rate in rates:
        setattr(config, rate, dropout)
    return config


def build_model(
    name: str,
    config: PreTrainedConfig,
    *,
    seed: int,
    lora_rank: int | None = None,
) -> PreTrainedModel:
    """The model in fp32. A built-in one has random weights, which the seed gives.

    With a `lora_rank`, adapters are added, and only they are trained.
    """
    set_seed(seed)
    family = family_of(config)
    if name in BUILT_IN:
        model = family.auto_class.from_config(config)
    else:
        # fp32 because a checkpoint in half precision would otherwise be trained in half precision.
        model = load_pretrained(
            name, family.auto_class.from_pretrained, config=config, dtype=torch.float32
        )
    model = family.ready(model)
    return with_adapters(model, lora_rank, family.adapter_task) if lora_rank else model


def load_model(name: str, dtype: torch.dtype, *, flag: str) -> PreTrainedModel:
    """A whole model by its name or folder, as it is read. InputError where it cannot be loaded."""
    family = family_of(load_pretrained(name, AutoConfig.from_pretrained, flag=flag))
    load = family.auto_class.from_pretrained
    return family.ready(load_pretrained(name, load, flag=flag, dtype=dtype))


def load_pretrained(
    name: str, load: Callable[..., Any], *, flag: str = "--student", **options: Any
) -> Any:
    """Load something of a model by a `from_pretrained` function.

    Raises:
        InputError: The name or folder cannot be loaded, or the folder's files have changed.
    """
    place = packaged(PACKAGED[name]) if name in PACKAGED else name
    check_whole(Path(place))
    try:
        return load(place, **options)
    except (OSError, ValueError) as error:
        kind = "folder" if Path(name).exists() else "hub name or built-in"
        built_in = ", ".join([*BUILT_IN, *PACKAGED])
        raise InputError(
            f"{flag} {name}",
            got=str(error).splitlines()[0],
            expected=f"a {kind} with a model that transformers loads (built-in: {built_in})",
            fix="check name and network",
        ) from None


@functools.lru_cache(maxsize=1)
def _trained_tokenizer(texts: tuple[str, ...], vocab_size: int) -> PreTrainedTokenizerFast:
    """Kept, since the cells of a comparison share their training text."""
    return train_tokenizer(texts, vocab_size)
