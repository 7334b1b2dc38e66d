"""A folder that transformers 4.57 loads as well as 5, with any tool that is built on either."""

import json
from pathlib import Path
from typing import Any

import torch

from dsbs.artifacts.student_card import StudentCard
from dsbs.config.export import Quantize
from dsbs.core.files import write_json
from dsbs.exporting.source_model import copy_tokenizer, load_source

_T5 = ("t5", "mt5")
_NEW_CLASSES = ("TokenizersBackend", "PreTrainedTokenizer", "")
"""Names of tokenizers without a class of their own that transformers 4 does not know."""


def convert(checkpoint: Path, card: StudentCard, out: Path, quantize: Quantize) -> None:
    """See `Convert`."""
    save_portable(load_source(checkpoint, card.family), checkpoint, out)


def save_portable(model: Any, checkpoint: Path, out: Path) -> None:
    """Save a model and its tokenizer so that older versions read the same from them.

    Version 4 reads two things from `tie_word_embeddings` of a T5: whether the head is the
    embedding, and whether states are scaled before it. Version 5 writes that it is true, whatever
    the weights are. Here the head is a matrix of its own unless both hold.
    """
    tied = True
    if model.config.model_type in _T5:
        tied = scales_outputs(model) and _is_tied(model)
        if not tied:
            _give_own_head(model)
    model.save_pretrained(out)
    config = _read(out / "config.json")
    if model.config.model_type in _T5:
        config["tie_word_embeddings"] = tied
        config["scale_decoder_outputs"] = tied
    config |= _old_positions(config.get("rope_parameters") or {})
    config["torch_dtype"] = config.pop("dtype", "float32")
    write_json(out / "config.json", config)
    copy_tokenizer(checkpoint, out)
    _make_readable(out)


def _old_positions(rope: dict[str, Any]) -> dict[str, Any]:
    """Rotary positions under the names that version 4 knows. Version 5 reads both."""
    if not rope:
        return {}
    whole = rope.get("full_attention", rope)
    stretched = {name: value for name, value in whole.items() if name != "rope_theta"}
    old = {
        "rope_theta": whole.get("rope_theta"),
        "rope_scaling": stretched if stretched.get("rope_type", "default") != "default" else None,
    }
    if "sliding_attention" in rope:
        old["rope_local_base_freq"] = rope["sliding_attention"].get("rope_theta")
    return old


def _make_readable(out: Path) -> None:
    """Write the tokenizer's settings under the names that version 4 knows."""
    path = out / "tokenizer_config.json"
    settings = _read(path)
    fast = (out / "tokenizer.json").is_file()
    if fast and settings.get("tokenizer_class", "") in _NEW_CLASSES:
        settings["tokenizer_class"] = "PreTrainedTokenizerFast"
    if isinstance(settings.get("extra_special_tokens"), list):
        settings["additional_special_tokens"] = settings.pop("extra_special_tokens")
    write_json(path, settings)


def scales_outputs(model: Any) -> bool:
    """Whether a T5 scales its last states by the root of their size before the head."""
    return bool(getattr(model.config, "scale_decoder_outputs", False))


def _give_own_head(model: Any) -> None:
    """Make the head a matrix of its own, which the scale of the states goes into."""
    weight = model.get_output_embeddings().weight
    scale = model.config.d_model**-0.5 if scales_outputs(model) else 1.0
    own = torch.nn.Parameter(weight.detach() * scale)
    model.get_output_embeddings().weight = own
    model.config.scale_decoder_outputs = False
    model.config.tie_word_embeddings = False


def _is_tied(model: Any) -> bool:
    head = model.get_output_embeddings().weight
    return bool(head.data_ptr() == model.get_input_embeddings().weight.data_ptr())


def _read(path: Path) -> dict[str, Any]:
    values: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return values
