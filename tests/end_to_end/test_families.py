"""Students of other families, in random miniature: each is loaded from a folder, trained with soft
labels, and read.
"""

from pathlib import Path
from typing import Any

import pytest
from transformers import (
    AutoModelForSeq2SeqLM,
    ByT5Tokenizer,
    MT5Config,
    PreTrainedTokenizerBase,
    T5Config,
)

from dsbs import api
from dsbs.core.errors import InputError
from dsbs.student.tokenizer import train_tokenizer
from support.farm import Farm

SMALL: dict[str, Any] = {
    "d_model": 32,
    "d_kv": 16,
    "d_ff": 64,
    "num_layers": 1,
    "num_decoder_layers": 1,
    "num_heads": 2,
}


def flan_t5(tokenizer: PreTrainedTokenizerBase) -> Any:
    """FLAN-T5 has the configuration of T5 v1.1: gated, and an output projection of its own."""
    return T5Config(
        **SMALL,
        feed_forward_proj="gated-gelu",
        tie_word_embeddings=False,
        vocab_size=len(tokenizer),
    )


def mt5(tokenizer: PreTrainedTokenizerBase) -> Any:
    return MT5Config(**SMALL, vocab_size=len(tokenizer))


def byt5(tokenizer: PreTrainedTokenizerBase) -> Any:
    """ByT5 has a deep encoder and a shallow decoder over bytes."""
    return T5Config(**SMALL | {"num_layers": 3}, feed_forward_proj="gated-gelu", vocab_size=384)


def t5gemma2(tokenizer: PreTrainedTokenizerBase) -> Any:
    from transformers import (
        T5Gemma2Config,
        T5Gemma2DecoderConfig,
        T5Gemma2EncoderConfig,
        T5Gemma2TextConfig,
    )

    text: dict[str, Any] = {
        "vocab_size": len(tokenizer),
        "hidden_size": 32,
        "intermediate_size": 64,
        "num_hidden_layers": 2,
    }
    text |= {
        "num_attention_heads": 2,
        "num_key_value_heads": 1,
        "head_dim": 16,
        "sliding_window": 64,
    }
    text |= {
        "pad_token_id": tokenizer.pad_token_id,
        "eos_token_id": tokenizer.eos_token_id,
        "bos_token_id": 2,
    }
    vision = {
        "hidden_size": 16,
        "intermediate_size": 16,
        "num_hidden_layers": 1,
        "num_attention_heads": 1,
        "image_size": 28,
    }
    encoder = T5Gemma2EncoderConfig(
        text_config=T5Gemma2TextConfig(**text).to_dict(), vision_config=vision
    )
    return T5Gemma2Config(
        encoder=encoder, decoder=T5Gemma2DecoderConfig(**text), vocab_size=len(tokenizer)
    )


@pytest.mark.parametrize("family", [flan_t5, mt5, byt5, t5gemma2])
def test_a_family_trains_with_every_loss_and_predicts(
    answered_farm: Farm, tmp_path: Path, family: Any
) -> None:
    texts = [
        f"{row['animal']} {row['sound']} It has feathers. It has fur." for row in answered_farm.rows
    ]
    tokenizer = ByT5Tokenizer() if family is byt5 else train_tokenizer(texts, 400)
    config = family(tokenizer)
    config.pad_token_id, config.eos_token_id = tokenizer.pad_token_id, tokenizer.eos_token_id
    config.decoder_start_token_id = tokenizer.pad_token_id
    AutoModelForSeq2SeqLM.from_config(config).save_pretrained(tmp_path / "student")
    tokenizer.save_pretrained(tmp_path / "student")
    sizes: dict[str, Any] = {
        "max_steps": 3,
        "batch_size": 8,
        "eval_every": 3,
        "max_input_tokens": 64,
        "max_target_tokens": 32,
    }
    shared = sizes | {
        "answers": answered_farm.folder / "answered",
        "student": str(tmp_path / "student"),
    }
    adapted = api.train(
        **shared, lora_rank=2, gradient_checkpointing=True, out=tmp_path / "adapted"
    )
    assert adapted["trained_parameters"] < adapted["parameters"]
    soft = {"soft_teacher": str(tmp_path / "adapted"), "soft_weight": 0.5, "soft_top_k": 8}
    trained = api.train(**shared, **soft, out=tmp_path / "run")
    assert all(log["loss"] > 0 for log in trained["log"] if log["loss"] is not None)
    for decode in ("generate", "score"):
        assert api.evaluate(run=tmp_path / "run", decode=decode)["n"] == 8
    named: dict[str, Any] = shared | {"task_prefix": "decoder", "out": tmp_path / "named"}
    if family is t5gemma2:
        with pytest.raises(
            InputError, match="--task-prefix: got decoder with a student of type 't5gemma2'"
        ):
            api.train(**named)
    else:
        api.train(**named, gradient_checkpointing=True)
        assert api.evaluate(run=tmp_path / "named")["n"] == 8
