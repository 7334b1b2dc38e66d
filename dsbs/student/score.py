"""Reading a student by how likely it finds given label texts."""

import copy
import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch.nn import functional as F
from transformers import Cache, PreTrainedModel, PreTrainedTokenizerBase
from transformers.modeling_outputs import BaseModelOutput

from dsbs.student.encoding import prompt_ids
from dsbs.student.forward import wanted_logits
from dsbs.student.length_groups import split_alike
from dsbs.student.padding import IGNORED, pad_rows, sequence_losses
from dsbs.student.two_precision import encode, pad, read_all, start

_PASS_WORTH = 64
"""Tokens of padding that a further pass over labels of like length must save."""


@dataclass(frozen=True)
class Candidates:
    """Texts that may follow an input: each is `before` + one of `labels` + `after` (an empty `after` is the end token)."""

    input: str
    labels: tuple[str, ...]
    before: str = ""
    after: str = ""


@torch.no_grad()
def score_labels(
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerBase,
    rows: Sequence[Candidates],
    *,
    max_input_tokens: int,
    batch_size: int,
    prompt: str = "",
    on_batch: Callable[[int], None] = lambda count: None,
) -> list[dict[str, float]]:
    """For every row the log-likelihood of each different label: the sum over its tokens and what ends it.

    The decoder reads `prompt` first. The tokens of `before` are given, not scored. An input is encoded once for all of its
    labels.
    """
    encoded = encode(tokenizer, [row.input for row in rows], max_input_tokens)
    scores, before = list[dict[str, float]]({} for _ in rows), prompt_ids(tokenizer, prompt)

    def read(batch: Sequence[int]) -> list[float]:
        ids, mask = pad(tokenizer, [encoded[i] for i in batch], model.device)
        wanted = [
            (at, rows[i], label)
            for at, i in enumerate(batch)
            for label in dict.fromkeys(rows[i].labels)
        ]
        found = _likelihoods(model, tokenizer, ids, mask, before, wanted).tolist()
        for i in batch:
            scores[i] = {}
        for (at, _, label), score in zip(wanted, found, strict=True):
            scores[batch[at]][label] = score
        return [_lead(scores[i].values()) for i in batch]

    read_all(model, encoded, read, batch_size, on_batch)
    return scores


def _likelihoods(
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerBase,
    ids: torch.Tensor,
    mask: torch.Tensor,
    before: Sequence[int],
    wanted: Sequence[tuple[int, Candidates, str]],
) -> torch.Tensor:
    """Log-likelihood of each wanted (row of the batch, candidates, label), (W,).

    What an input's labels share is computed once: its encoding, its keys and values, and the decoder's first places.
    """
    said, scored = _label_tokens(tokenizer, wanted, ids.device)  # (W, Y)
    index = torch.tensor([at for at, _, _ in wanted], device=ids.device)
    states = model.get_encoder()(input_ids=ids, attention_mask=mask).last_hidden_state  # (B, X, D)

    def decode(rows: torch.Tensor | slice, told: torch.Tensor, cache: Cache | None) -> Any:
        known = {
            "encoder_outputs": BaseModelOutput(last_hidden_state=states[rows]),
            "attention_mask": mask[rows],
        }
        return model(**known, decoder_input_ids=told, past_key_values=cache, use_cache=True)

    out = decode(slice(None), start(model, ids, before), None)
    first = F.log_softmax(out.logits[:, -1].float(), dim=-1)[index]  # (W, V)
    found = first.gather(1, said[:, :1])[:, 0].masked_fill(scored[:, 0].eq(IGNORED), 0.0)
    for group in _of_like_length(said):
        width = int(said[group].ne(IGNORED).sum(dim=1).max())
        told, behind = said[group, : width - 1], scored[group, 1:width]
        cache = copy.deepcopy(out.past_key_values)
        cache.batch_select_indices(index[group])
        with wanted_logits(model, behind.ne(IGNORED)):
            rest = decode(
                index[group], told.masked_fill(told.eq(IGNORED), tokenizer.pad_token_id), cache
            ).logits
        found[group] -= sequence_losses(rest, behind)
    return found


def _of_like_length(said: torch.Tensor) -> list[torch.Tensor]:
    """Of texts (W, Y) those of more than a token, in groups to be padded within themselves."""
    lengths = said.ne(IGNORED).sum(dim=1)
    longer = lengths.gt(1).nonzero()[:, 0]
    groups = (
        split_alike(F.pad(lengths[longer, None], (1, 0)).cpu().numpy(), worth=_PASS_WORTH)
        if len(longer)
        else []
    )
    return [longer[torch.as_tensor(group, device=said.device)] for group in groups]


def _label_tokens(
    tokenizer: PreTrainedTokenizerBase,
    wanted: Sequence[tuple[int, Candidates, str]],
    device: torch.device,
) -> tuple[torch.Tensor, torch.Tensor]:
    """What the decoder says for each wanted label, and what of it is scored, both (W, Y)."""
    texts = [" ".join(filter(None, [row.before, label, row.after])) for _, row, label in wanted]
    targets = tokenizer(text_target=texts).input_ids
    end = tokenizer.eos_token_id
    targets = [
        t[:-1] if row.after and t[-1] == end else t
        for t, (_, row, _) in zip(targets, wanted, strict=True)
    ]
    given = [
        _shared_prefix(tokenizer, row.before, t)
        for t, (_, row, _) in zip(targets, wanted, strict=True)
    ]
    said = pad_rows(targets, IGNORED).to(device)
    scored = said.clone()
    for row, length in enumerate(given):
        scored[row, :length] = IGNORED
    return said, scored


def _shared_prefix(tokenizer: PreTrainedTokenizerBase, before: str, target: list[int]) -> int:
    """How many of the target's first tokens belong to `before`."""
    if not before:
        return 0
    ids = tokenizer(text_target=before, add_special_tokens=False).input_ids
    return next(
        (at for at, (a, b) in enumerate(zip(ids, target, strict=False)) if a != b),
        min(len(ids), len(target)),
    )


def _lead(scores: Iterable[float]) -> float:
    """How far the best score is ahead of the second."""
    ordered = sorted(scores, reverse=True)
    return ordered[0] - ordered[1] if len(ordered) > 1 else math.inf
