"""Which family a model is of."""

from collections.abc import Mapping

from transformers import PreTrainedConfig
from transformers.models.auto.modeling_auto import (
    MODEL_FOR_CAUSAL_LM_MAPPING_NAMES,
    MODEL_FOR_MASKED_LM_MAPPING_NAMES,
    MODEL_FOR_SEQUENCE_CLASSIFICATION_MAPPING_NAMES,
)

from dsbs.core.errors import InputError
from dsbs.core.records import FamilyName
from dsbs.student.decoder_only.family import DECODER_ONLY
from dsbs.student.encoder.family import ENCODER
from dsbs.student.encoder_decoder import ENCODER_DECODER
from dsbs.student.family import Family

FAMILIES: Mapping[FamilyName, Family] = {
    family.name: family for family in (ENCODER_DECODER, DECODER_ONLY, ENCODER)
}


def family_of(architecture: PreTrainedConfig) -> Family:
    """The family of a model.

    A type that has decoders and encoders (BERT) is an encoder, unless the folder names a decoder.

    Raises:
        InputError: It is none that dsbs trains.
    """
    if architecture.is_encoder_decoder:
        return ENCODER_DECODER
    kind = architecture.model_type
    named = " ".join(architecture.architectures or ())
    causal = "CausalLM" in named or "LMHead" in named or getattr(architecture, "is_decoder", False)
    reads_both_ways = kind in MODEL_FOR_MASKED_LM_MAPPING_NAMES
    if kind in MODEL_FOR_CAUSAL_LM_MAPPING_NAMES and (causal or not reads_both_ways):
        return DECODER_ONLY
    if kind in MODEL_FOR_SEQUENCE_CLASSIFICATION_MAPPING_NAMES:
        return ENCODER
    raise InputError(
        "--student",
        got=f"a model of type {kind!r}",
        expected="an encoder-decoder (T5), a decoder-only model (Gemma) or an encoder (BERT)",
        fix="choose another student",
    )
