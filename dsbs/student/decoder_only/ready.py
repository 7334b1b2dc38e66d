"""Prepare a decoder-only model, and prove that it computes the same as before."""

from typing import Any

import torch
from transformers import PreTrainedModel, PreTrainedTokenizerBase

from dsbs.core.errors import InputError
from dsbs.student.decoder_only.attention import Part, forward, use_parts
from dsbs.student.decoder_only.layout import readable

_TOLERANCES = {torch.float32: 1e-3}
_ROUGH = 0.05
"""Largest difference of logits, as a share of the largest logit: in fp32, and in half precision."""


def make_ready(model: PreTrainedModel) -> PreTrainedModel:
    """The model with attention over parts. InputError where it then computes something else."""
    if _computes_the_same(model):
        return model
    raise InputError(
        f"--student {model.name_or_path}",
        got=f"a decoder of type {model.config.model_type!r}, which computes something else "
        "where the tasks of a row share its input",
        expected="a decoder whose layers mix tokens by attention alone, with the positions "
        "that it is given (Gemma 3, Qwen 3, Llama, SmolLM, Mistral)",
        fix="choose another student",
    )


def check_tokens(tokenizer: PreTrainedTokenizerBase) -> None:
    """Without a padding token, the end token pads. InputError without an end token."""
    if tokenizer.eos_token_id is None:
        raise InputError(
            f"--student {tokenizer.name_or_path}",
            got="a tokenizer without an end token",
            expected="one whose eos_token ends a text",
            fix="choose another student, or set eos_token in its tokenizer_config.json",
        )
    if tokenizer.pad_token_id is None:
        tokenizer.pad_token = tokenizer.eos_token


def write_greedily(model: Any, tokenizer: PreTrainedTokenizerBase) -> None:
    """Plain `generate` of the saved model gives what dsbs reads, without further settings."""
    settings = model.generation_config
    ends = settings.eos_token_id
    known = [] if ends is None else [ends] if isinstance(ends, int) else list(ends)
    if tokenizer.eos_token_id not in known:
        settings.eos_token_id = [*known, tokenizer.eos_token_id]
    settings.pad_token_id = tokenizer.pad_token_id
    settings.do_sample = False
    for name in ("temperature", "top_p", "top_k"):
        setattr(settings, name, None)


@torch.no_grad()
def _computes_the_same(model: Any) -> bool:
    """Whether two texts that share their beginning have the logits that each has by itself."""
    training = model.training
    model.eval()
    device = model.get_input_embeddings().weight.device
    count = model.get_input_embeddings().num_embeddings
    numbers = torch.arange(7, 7 + 13 * 8, 13, device=device) % count
    shared, first, second = numbers.split([4, 2, 2])
    try:
        model.set_attn_implementation("eager")
        alone = [model(torch.cat([shared, own])[None]).logits[0, 4:] for own in (first, second)]
        use_parts(model)
        blocks = torch.tensor([[0, 0, 0, 0, 1, 1, 2, 2]], device=device)
        positions = torch.tensor([[0, 1, 2, 3, 4, 5, 4, 5]], device=device)
        part = Part(readable(blocks), positions, positions)
        out = forward(model, numbers[None], positions, parts=[part], use_cache=False)
    except (TypeError, ValueError, NotImplementedError, RuntimeError, AttributeError):
        return False
    finally:
        model.train(training)
    together = out.logits[0, 4:]
    apart = (together - torch.cat(alone)).abs().max()
    tolerance = _TOLERANCES.get(together.dtype, _ROUGH)
    return bool(apart <= tolerance * together.abs().max())
