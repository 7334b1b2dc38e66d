"""Soft targets as pure functions of tensors: Hinton, Vinyals and Dean 2015, and the divergences that followed."""

from collections.abc import Sequence

import torch
from torch.nn import functional as F

from dsbs.config.recipe import Divergence
from dsbs.metrics.distributions import Mean

_SKEW = 0.1
"""Share of the other distribution in the skewed ones (DistiLLM, Ko et al. 2024)."""


def soft_cross_entropy(
    logits: torch.Tensor, teacher: torch.Tensor, *, temperature: float
) -> torch.Tensor:
    """T^2 x the cross-entropy of softmax(logits / T) under softmax(teacher / T), (B,), both (B, L).

    `teacher` are logits or log-probabilities; -inf is a label that the teacher rules out, and in `logits` padding, where
    `teacher` must be -inf too. T^2 keeps the gradient's size when T changes (Hinton et al. 2015, section 2).
    """
    wanted = F.softmax(teacher / temperature, dim=-1)
    said = F.log_softmax(logits / temperature, dim=-1).masked_fill(wanted == 0, 0.0)
    return -(wanted * said).sum(dim=-1) * temperature**2


def mixed_loss(
    logits: torch.Tensor,
    labels: torch.Tensor,
    teacher: torch.Tensor,
    *,
    weight: float,
    temperature: float,
) -> torch.Tensor:
    """(1 - weight) x cross-entropy of the labels + weight x `soft_cross_entropy`, a mean over (B,): for a classifier."""
    hard, soft = (
        F.cross_entropy(logits, labels, reduction="none"),
        soft_cross_entropy(logits, teacher, temperature=temperature),
    )
    return ((1 - weight) * hard + weight * soft).mean()


def divergence(
    log_p: torch.Tensor, log_q: torch.Tensor, kind: Divergence = "forward"
) -> torch.Tensor:
    """A divergence of the student's log_q from the teacher's log_p, (..., K) -> (...); 0 where they are alike.

    forward KL(p|q); reverse KL(q|p); skew KL(p | a p + (1 - a) q); reverse_skew KL(q | (1 - a) p + a q), a = 0.1.
    """
    match kind:
        case "forward":
            return _kl(log_p, log_q)
        case "reverse":
            return _kl(log_q, log_p)
        case "skew":
            return _kl(log_p, _mixture(log_p, log_q, _SKEW))
        case "reverse_skew":
            return _kl(log_q, _mixture(log_q, log_p, _SKEW))


def mean_log_probs(
    log_probs: Sequence[torch.Tensor], weights: Sequence[float], mean: Mean = "arithmetic"
) -> torch.Tensor:
    """The arithmetic or (normalised) geometric mean of several distributions, as log-probabilities."""
    if len(log_probs) == 1:
        return log_probs[0]
    stacked = torch.stack(list(log_probs))  # (M, ..., V)
    share = torch.tensor(weights, dtype=stacked.dtype, device=stacked.device)
    share = (share / share.sum()).view(-1, *[1] * (stacked.dim() - 1))
    if mean == "arithmetic":
        return torch.logsumexp(stacked + share.log(), dim=0)
    return F.log_softmax((share * stacked).sum(dim=0), dim=-1)


def likeliest(log_p: torch.Tensor, top_k: int | None) -> tuple[torch.Tensor | None, torch.Tensor]:
    """The ids (N, k) and log-probabilities (N, k + 1) of the k likeliest tokens, the last one of all others together.

    All of them, in order and without ids, where k is None or the vocabulary is no larger.
    """
    if top_k is None or top_k >= log_p.shape[-1]:
        return None, log_p
    ids = log_p.topk(top_k, dim=-1).indices
    return ids, gathered(log_p, ids)


def gathered(log_q: torch.Tensor, ids: torch.Tensor | None) -> torch.Tensor:
    """The student's log-probabilities (N, V) over the same outcomes as `likeliest` left."""
    if ids is None:
        return log_q
    # Of the others themselves: 1 - the sum of the named ones is 0 in fp32 where a student is sure, and its gradient no number.
    rest = log_q.scatter(-1, ids, -torch.inf).logsumexp(dim=-1, keepdim=True)
    return torch.cat([log_q.gather(-1, ids), rest], dim=-1)


def _kl(log_p: torch.Tensor, log_q: torch.Tensor) -> torch.Tensor:
    difference = (log_p - log_q).masked_fill(log_p == -torch.inf, 0.0)
    return (log_p.exp() * difference).sum(dim=-1)


def _mixture(log_a: torch.Tensor, log_b: torch.Tensor, share_of_a: float) -> torch.Tensor:
    share = torch.tensor(share_of_a, dtype=log_a.dtype, device=log_a.device)
    return torch.logaddexp(log_a + share.log(), log_b + torch.log1p(-share))
