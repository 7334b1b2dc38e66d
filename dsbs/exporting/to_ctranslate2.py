"""An encoder-decoder in the format of CTranslate2."""

from pathlib import Path
from typing import Any

from dsbs.artifacts.student_card import StudentCard
from dsbs.config.export import Quantize
from dsbs.core.errors import InputError
from dsbs.core.require import require
from dsbs.exporting.source_model import copy_tokenizer, load_source
from dsbs.exporting.to_hf import scales_outputs

_WEIGHTS = {"none": "float32", "int8": "int8"}


def convert(checkpoint: Path, card: StudentCard, out: Path, quantize: Quantize) -> None:
    """See `Convert`."""
    require("ctranslate2", "export", needed_by="--to ctranslate2")
    from ctranslate2.converters import TransformersConverter

    class Converter(TransformersConverter):
        """The library reads from `tie_word_embeddings` whether states are scaled before the head.

        Transformers 5 has that in a setting of its own, and sets the other to true always.
        """

        def load_model(self, *unused: object, **options: object) -> Any:
            model = load_source(checkpoint)
            model.config.tie_word_embeddings = scales_outputs(model)
            return model

    try:
        Converter(str(checkpoint)).convert(str(out), quantization=_WEIGHTS[quantize], force=True)
    except (ValueError, KeyError, AttributeError, TypeError) as error:
        raise InputError(
            "--to ctranslate2",
            got=f"{type(error).__name__}: {error}",
            expected="a model that this CTranslate2 converts",
            fix="use --to onnx or --to hf",
        ) from error
    copy_tokenizer(checkpoint, out)
