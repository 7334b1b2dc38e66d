"""An encoder-decoder in the format of CTranslate2, and how any model gets there."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from transformers import AutoTokenizer, PreTrainedTokenizerBase

from dsbs.artifacts.student_card import StudentCard
from dsbs.config.export import Quantize
from dsbs.core.errors import InputError
from dsbs.core.require import require
from dsbs.exporting.source_model import copy_tokenizer, load_source
from dsbs.exporting.to_hf import scales_outputs

_WEIGHTS = {"none": "float32", "int8": "int8"}


def convert(checkpoint: Path, card: StudentCard, out: Path, quantize: Quantize) -> None:
    """See `Convert`."""
    write_model(
        checkpoint,
        out,
        quantize,
        model=_load(checkpoint, card),
        tokenizer=AutoTokenizer.from_pretrained(checkpoint),
        instead="--to onnx or --to hf",
    )
    copy_tokenizer(checkpoint, out)


def _load(checkpoint: Path, card: StudentCard) -> Any:
    """The library reads from `tie_word_embeddings` whether states are scaled before the head.

    Transformers 5 has that in a setting of its own, and sets the other to true always.
    """
    model = load_source(checkpoint, card.family)
    model.config.tie_word_embeddings = scales_outputs(model)
    return model


def write_model(
    checkpoint: Path,
    out: Path,
    quantize: Quantize,
    *,
    model: Any,
    tokenizer: PreTrainedTokenizerBase,
    instead: str,
    amend: Callable[[Any], None] = lambda spec: None,
) -> None:
    """Write a model and its vocabulary. InputError where the library does not convert it.

    Args:
        checkpoint: Its folder.
        out: Where to.
        quantize: Its weights.
        model: What is converted. The library takes it apart.
        tokenizer: Gives the vocabulary.
        instead: The flags that such a student may be exported with.
        amend: Changes the library's own form of the model before it is saved.
    """
    require("ctranslate2", "export", needed_by="--to ctranslate2")
    from ctranslate2.converters import TransformersConverter

    class Converter(TransformersConverter):
        def load_model(self, *unused: object, **options: object) -> Any:
            return model

        def load_tokenizer(self, *unused: object, **options: object) -> Any:
            return tokenizer

        def _load(self) -> Any:
            found = super()._load()
            amend(found)
            return found

    try:
        Converter(str(checkpoint)).convert(str(out), quantization=_WEIGHTS[quantize], force=True)
    except (ValueError, KeyError, AttributeError, TypeError, NotImplementedError) as error:
        # Behind the bracket, the library lists all that it converts.
        reason = f"{type(error).__name__}: {error}".partition(" (")[0]
        raise refusal(model, reason, instead) from error


def refusal(model: Any, reason: str, instead: str) -> InputError:
    """An error about a model that CTranslate2 does not compute as PyTorch does."""
    return InputError(
        "--to ctranslate2",
        got=f"a model of type {model.config.model_type!r} ({reason})",
        expected="a model that this CTranslate2 converts",
        fix=f"use {instead}",
    )
