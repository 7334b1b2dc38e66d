"""The tokens of a decoder-only student, as its export needs to know them."""

from pathlib import Path
from typing import Any

from transformers import AutoTokenizer, GenerationConfig, PreTrainedConfig, PreTrainedTokenizerBase

from dsbs.artifacts.student_card import StudentCard
from dsbs.student.codec import Codec
from dsbs.student.decoder_only.family import DECODER_ONLY


def tokens_of(checkpoint: Path) -> dict[str, Any]:
    """Its special tokens: fields of `ExportFacts`. What ends a target in training comes first."""
    codec = codec_of(AutoTokenizer.from_pretrained(checkpoint))
    ends = [codec.end]
    if (checkpoint / "generation_config.json").is_file():
        more = GenerationConfig.from_pretrained(checkpoint).eos_token_id or []
        ends += more if isinstance(more, list) else [more]
    return {
        "start_id": -1,
        "end_ids": tuple(dict.fromkeys(ends)),
        "pad_id": codec.tokenizer.pad_token_id,
        "separator": codec.separator,
    }


def longest_row(card: StudentCard, tokenizer: PreTrainedTokenizerBase) -> int:
    """Tokens of the longest row that it reads or writes: input, markers, target and a label."""
    codec = codec_of(tokenizer)
    markers = sum(len(codec.prompt(prefix)) for prefix in card.prefixes.values())
    return card.max_input_tokens + markers + card.max_target_tokens + card.max_label_tokens


def codec_of(tokenizer: PreTrainedTokenizerBase) -> Codec:
    """How its texts become token ids."""
    return DECODER_ONLY.codec(tokenizer, PreTrainedConfig())
