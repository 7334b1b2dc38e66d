"""Decoder-only students in miniature, and their loss by hand."""

from collections.abc import Sequence
from typing import Any

import torch
from transformers import PreTrainedConfig

from dsbs.core.records import TrainPair
from dsbs.student.decoder_only.family import DECODER_ONLY
from dsbs.student.encoding import Encoded
from dsbs.student.model import build_model, load_config
from support.pairs import PREFIXES

SHAPES = ("tiny-gemma", "tiny-qwen", "tiny-llama")


def encoded_for_decoder(pairs: Sequence[TrainPair], tokenizer: Any) -> Encoded:
    return DECODER_ONLY.encode(
        pairs,
        DECODER_ONLY.codec(tokenizer, PreTrainedConfig()),
        options={},
        prefixes=PREFIXES,
        max_input_tokens=64,
        max_target_tokens=64,
        after_label="",
        task_prefix="decoder",
    )


def decoder(name: str, tokenizer: Any) -> Any:
    """As dsbs trains it."""
    return build_model(name, load_config(name, tokenizer, 0.0), seed=0)


def plain_decoder(name: str, tokenizer: Any) -> Any:
    """The same weights, as transformers computes them."""
    from transformers import AutoModelForCausalLM

    model = AutoModelForCausalLM.from_config(
        load_config(name, tokenizer, 0.0), attn_implementation="eager"
    )
    model.load_state_dict(decoder(name, tokenizer).state_dict())
    return model


def loss_by_hand(model: Any, found: Encoded) -> torch.Tensor:
    """Each sequence by itself: input, marker and target, and cross-entropy at the target alone."""
    total = torch.zeros(())
    sequences = [s for example in found.examples for s in example]
    for s in sequences:
        tokens = sum(len(other.target_ids) for other in sequences if other.task == s.task)
        before = len(s.input_ids) + len(s.prompt)
        ids = torch.tensor([[*s.input_ids, *s.prompt, *s.target_ids]])
        log_p = model(input_ids=ids).logits[0, :-1].log_softmax(-1)
        mask = torch.arange(1, ids.shape[1]) >= before
        losses = -log_p.gather(-1, ids[0, 1:, None])[:, 0]
        total = total + s.weight * (losses * mask).sum() / tokens
    return total
