"""A decoder-only student in the format of CTranslate2."""

from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from transformers import AutoConfig, AutoTokenizer, PreTrainedConfig, PreTrainedTokenizerBase

from dsbs.artifacts.student_card import StudentCard
from dsbs.config.export import Quantize
from dsbs.core.errors import InputError
from dsbs.exporting.decoder_tokens import longest_row
from dsbs.exporting.source_model import copy_tokenizer, load_source
from dsbs.exporting.to_ctranslate2 import refusal, write_model
from dsbs.runtimes.ctranslate2_model import CTranslate2Model
from dsbs.runtimes.text_tokens import FAST

_INSTEAD = "--to hf"
_TOLERANCE = 1e-3
"""Largest difference of logits, as a share of the largest logit."""
_SAMPLE = (2, 12)
"""Rows and tokens whose logits are compared."""
_LINEAR = 0
"""What CTranslate2 calls positions that are divided by a factor."""


def convert(checkpoint: Path, card: StudentCard, out: Path, quantize: Quantize) -> None:
    """See `Convert`. Before weights are quantized, the model is proven to be the same in fp32."""
    config = AutoConfig.from_pretrained(checkpoint).get_text_config()
    tokenizer: Any = AutoTokenizer.from_pretrained(checkpoint)
    _check_window(config, longest_row(card, tokenizer))
    _write(checkpoint, card, out, "none", config)
    _check_same(checkpoint, card, out)
    if quantize != "none":
        _write(checkpoint, card, out, quantize, config)
    copy_tokenizer(checkpoint, out)
    # Transformers may build another tokenizer than the file has.
    tokenizer.backend_tokenizer.save(str(out / FAST))


def _check_window(config: PreTrainedConfig, longest: int) -> None:
    """InputError for layers that look back less far than a row is long.

    In an input, layers of CTranslate2 look back to the start.
    """
    window = getattr(config, "sliding_window", None)
    if window is not None and longest > window:
        raise InputError(
            "--to ctranslate2",
            got=f"rows of up to {longest:,} tokens and layers that look back {window:,}",
            expected=f"rows of at most {window:,} tokens (input, markers, target and label)",
            fix=f"use {_INSTEAD}, or train with a smaller --max-input-tokens",
        )


def _write(
    checkpoint: Path, card: StudentCard, out: Path, quantize: Quantize, config: PreTrainedConfig
) -> None:
    write_model(
        checkpoint,
        out,
        quantize,
        model=load_source(checkpoint, card.family),
        tokenizer=_named(AutoTokenizer.from_pretrained(checkpoint)),
        instead=_INSTEAD,
        amend=partial(_amend, config=config),
    )


def _named(tokenizer: PreTrainedTokenizerBase) -> PreTrainedTokenizerBase:
    """A tokenizer with all the tokens that the library wants a name of. dsbs gives it ids."""
    tokenizer.bos_token = tokenizer.bos_token or tokenizer.eos_token
    tokenizer.unk_token = tokenizer.unk_token or tokenizer.eos_token
    # With a template, the library takes another end token than the tokenizer's.
    tokenizer.chat_template = None
    return tokenizer


def _amend(spec: Any, *, config: PreTrainedConfig) -> None:
    """Set what the library's converters of 4.8 leave out of newer configurations.

    Those are positions of each kind of layer, how they are stretched, and the scale of queries. No
    row is longer than a window, so none is needed.
    """
    layers = spec.decoder.layer
    kinds = getattr(config, "layer_types", None) or [""] * len(layers)
    rope = getattr(config, "rope_parameters", None) or {}
    scale = getattr(config, "query_pre_attn_scalar", None)
    _set(spec.decoder, sliding_window=np.int32(0))
    for layer, kind in zip(layers, kinds, strict=True):
        _set(layer.self_attention, sliding_window=np.int32(0), **_positions(rope.get(kind, rope)))
        if scale:
            _set(layer.self_attention, queries_scale=np.float32(scale**-0.5))


def _positions(rope: dict[str, Any]) -> dict[str, np.generic]:
    """The rotary positions of one kind of layer, under the library's names."""
    found: dict[str, np.generic] = {}
    if "rope_theta" in rope:
        found["rotary_base"] = np.float32(rope["rope_theta"])
    if "factor" in rope:
        found["rotary_scaling_factor"] = np.float32(rope["factor"])
    if rope.get("rope_type") == "linear":
        found["rotary_scaling_type"] = np.int8(_LINEAR)
    if rope.get("rope_type") == "llama3":
        before = rope["original_max_position_embeddings"]
        found["original_max_position_embeddings"] = np.int32(before)
    return found


def _set(part: Any, **values: np.generic) -> None:
    """Set attributes of a part, also those that the library has not made."""
    vars(part).update(values)


def _check_same(checkpoint: Path, card: StudentCard, out: Path) -> None:
    """InputError where the written model computes something else."""
    model = load_source(checkpoint, card.family)
    vocabulary = model.get_input_embeddings().num_embeddings
    ids = np.random.default_rng(0).integers(vocabulary, size=_SAMPLE)
    with torch.no_grad():
        before = model(torch.from_numpy(ids)).logits.numpy()
    try:
        apart = np.abs(_logits(out, ids) - before).max()
    except (ValueError, RuntimeError) as error:
        raise refusal(model, str(error), _INSTEAD) from error
    if not apart <= _TOLERANCE * np.abs(before).max():
        raise refusal(model, "it computes something else", _INSTEAD)


def _logits(folder: Path, ids: NDArray[np.int64]) -> NDArray[np.float32]:
    """(R, Y, V), of ids (R, Y)."""
    model = CTranslate2Model("Generator", folder, "fp32", threads=1)
    found = model.computes.forward_batch([model.text(row) for row in ids.tolist()])
    logits: NDArray[np.float32] = np.asarray(found)
    return logits
