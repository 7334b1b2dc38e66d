"""Soft targets as pure functions of tensors.

Hinton, Vinyals and Dean 2015, and the divergences that followed.
"""

from collections.abc import Sequence

import torch
from torch.nn import functional as F

from dsbs.config.recipe_options import Divergence
from dsbs.metrics.distributions import Mean

_SKEW = 0.1
"""Share of the other distribution in skewed divergences (DistiLLM, Ko et al. 2024)."""


def soft_cross_entropy(
    logits: torch.Tensor, teacher: torch.Tensor, *, temperature: float
) -> torch.Tensor:
    """T^2 x cross-entropy of softmax(logits / T) under softmax(teacher / T).

    T^2 keeps the size of the gradient when T changes (Hinton et al. 2015, section 2).

    Args:
        logits: (B, L), -inf at padding.
        teacher: (B, L), logits or log-probabilities; -inf at padding and at impossible labels.
        temperature: T.

    Returns:
        (B,).
    """
    wanted = F.softmax(teacher / temperature, dim=-1)
    log_q = F.log_softmax(logits / temperature, dim=-1).masked_fill(wanted == 0, 0.0)
    return -(wanted * log_q).sum(dim=-1) * temperature**2


def divergence(
    log_p: torch.Tensor, log_q: torch.Tensor, kind: Divergence = "forward"
) -> torch.Tensor:
    """A divergence between teacher and student, (..., K) -> (...); 0 where they are equal.

    forward: KL(p | q); reverse: KL(q | p); skew: KL(p | a p + (1 - a) q);
    reverse_skew: KL(q | (1 - a) p + a q), with a = 0.1.

    Args:
        log_p: Log-probabilities of the teacher.
        log_q: Log-probabilities of the student.
        kind: Which divergence.
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
    """The arithmetic or (normalized) geometric mean of distributions (..., V), as logarithms."""
    if len(log_probs) == 1:
        return log_probs[0]
    stacked = torch.stack(list(log_probs))  # (M, ..., V)
    share = torch.tensor(weights, dtype=stacked.dtype, device=stacked.device)
    share = (share / share.sum()).view(-1, *[1] * (stacked.dim() - 1))
    if mean == "arithmetic":
        return torch.logsumexp(stacked + share.log(), dim=0)
    return F.log_softmax((share * stacked).sum(dim=0), dim=-1)


def top_tokens(log_p: torch.Tensor, top_k: int | None) -> tuple[torch.Tensor | None, torch.Tensor]:
    """The k likeliest tokens of log-probabilities (N, V), all others lumped together.

    Returns:
        Ids (N, k), and log-probabilities (N, k + 1), the last of all other tokens. Where k is None
        or at least V: no ids, and `log_p` itself.
    """
    if top_k is None or top_k >= log_p.shape[-1]:
        return None, log_p
    ids = log_p.topk(top_k, dim=-1).indices
    return ids, lump(log_p, ids)


def lump(log_q: torch.Tensor, ids: torch.Tensor | None) -> torch.Tensor:
    """Log-probabilities (N, V) over the outcomes of `top_tokens`: these ids (N, k), and all others.

    Returns:
        (N, k + 1), or `log_q` itself without ids.
    """
    if ids is None:
        return log_q
    # Summed over the others themselves. Where a student is certain, 1 - the sum over the ids is 0
    # in fp32, and its gradient is NaN.
    rest = log_q.scatter(-1, ids, -torch.inf).logsumexp(dim=-1, keepdim=True)
    return torch.cat([log_q.gather(-1, ids), rest], dim=-1)


def _kl(log_p: torch.Tensor, log_q: torch.Tensor) -> torch.Tensor:
    difference = (log_p - log_q).masked_fill(log_p == -torch.inf, 0.0)
    return (log_p.exp() * difference).sum(dim=-1)


def _mixture(log_a: torch.Tensor, log_b: torch.Tensor, share_of_a: float) -> torch.Tensor:
    share = torch.tensor(share_of_a, dtype=log_a.dtype, device=log_a.device)
    return torch.logaddexp(log_a + share.log(), log_b + torch.log1p(-share))
