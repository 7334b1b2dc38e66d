"""Soft targets as arithmetic: what Hinton et al. 2015 state, and the edges of every other loss."""

import pytest
import torch
from torch.nn import functional as F

from dsbs.training.soft_targets import (
    divergence,
    lump,
    mean_log_probs,
    soft_cross_entropy,
    top_tokens,
)
from support.random_logits import logits


def gradient(z: torch.Tensor, v: torch.Tensor, temperature: float) -> torch.Tensor:
    z = z.clone().requires_grad_()
    soft_cross_entropy(z, v, temperature=temperature).sum().backward()
    assert z.grad is not None
    return z.grad


@pytest.mark.parametrize("temperature", [0.5, 1.0, 4.0, 20.0])
def test_the_gradient_is_student_minus_teacher_over_t(temperature: float) -> None:
    z, v = logits(seed=1), logits(seed=2)
    q, p = F.softmax(z / temperature, dim=1), F.softmax(v / temperature, dim=1)
    torch.testing.assert_close(gradient(z, v, temperature) / temperature**2, (q - p) / temperature)


def test_t_squared_keeps_the_gradients_size_at_high_temperatures() -> None:
    z, v = logits(seed=1), logits(seed=2)
    sizes = [gradient(z, v, t).norm().item() for t in (50.0, 100.0, 200.0, 400.0)]
    assert max(sizes) / min(sizes) < 1.03
    without = [gradient(z, v, t).norm().item() / t**2 for t in (50.0, 400.0)]
    assert without[0] / without[1] == pytest.approx(64, rel=0.05)


def test_high_temperatures_match_logits() -> None:
    """Equation 4 of the paper: (z - v) / N, after both have zero mean and T^2 is taken out."""
    z, v = (x - x.mean(dim=1, keepdim=True) for x in (logits(seed=1), logits(seed=2)))
    expected = (z - v) / z.shape[1]
    apart = [(gradient(z, v, t) - expected).norm() / expected.norm() for t in (10.0, 100.0, 1000.0)]
    assert apart[0] > 5 * apart[1] > 25 * apart[2]
    assert apart[2] < 0.01
    assert gradient(z, z, 7.0).abs().max() < 1e-12


def test_at_the_teachers_logits_the_loss_is_its_entropy() -> None:
    v, t = logits(seed=3), 3.0
    p = F.softmax(v / t, dim=1)
    torch.testing.assert_close(
        soft_cross_entropy(v, v, temperature=t), -(p * p.log()).sum(dim=1) * t**2
    )


def test_a_certain_teacher_gives_the_hard_loss() -> None:
    z, labels = logits(seed=1), torch.tensor([3, 0, 9, 1])
    certain = torch.full_like(z, -torch.inf).scatter(1, labels[:, None], 0.0)
    torch.testing.assert_close(
        soft_cross_entropy(z, certain, temperature=1.0),
        F.cross_entropy(z, labels, reduction="none"),
    )


def test_labels_that_an_example_does_not_have_take_no_part() -> None:
    z, v = logits(2, 3, seed=1), logits(2, 3, seed=2)
    padded = [F.pad(x, (0, 2), value=-torch.inf).requires_grad_() for x in (z, v)]
    loss = soft_cross_entropy(*padded, temperature=2.0)
    torch.testing.assert_close(loss, soft_cross_entropy(z, v, temperature=2.0))
    loss.sum().backward()
    assert padded[0].grad is not None
    assert padded[0].grad.isfinite().all()
    assert not padded[0].grad[:, 3:].any()


@pytest.mark.parametrize("kind", ["forward", "reverse", "skew", "reverse_skew"])
def test_every_divergence_is_zero_only_where_both_are_alike(kind: str) -> None:
    p, q = F.log_softmax(logits(seed=1), dim=1), F.log_softmax(logits(seed=2), dim=1)
    assert divergence(p, p, kind).abs().max() < 1e-12  # type: ignore[arg-type]
    assert divergence(p, q, kind).min() > 0.05  # type: ignore[arg-type]


def test_divergences_are_what_their_names_say() -> None:
    p, q = F.log_softmax(logits(seed=1), dim=1), F.log_softmax(logits(seed=2), dim=1)
    torch.testing.assert_close(
        divergence(p, q), F.kl_div(q, p, log_target=True, reduction="none").sum(dim=1)
    )
    torch.testing.assert_close(divergence(p, q, "reverse"), divergence(q, p))
    mixed = (0.1 * p.exp() + 0.9 * q.exp()).log()
    torch.testing.assert_close(divergence(p, q, "skew"), divergence(p, mixed))
    other = (0.9 * p.exp() + 0.1 * q.exp()).log()
    torch.testing.assert_close(divergence(p, q, "reverse_skew"), divergence(q, other))
    forward = (p.exp() * (p - q)).sum(
        dim=1
    )  # and cross-entropy differs from it by the teacher's entropy alone
    torch.testing.assert_close(
        soft_cross_entropy(q, p, temperature=1.0) + (p.exp() * p).sum(dim=1), forward
    )


def test_the_likeliest_tokens_and_the_rest_are_a_distribution() -> None:
    p, q = F.log_softmax(logits(seed=1), dim=1), F.log_softmax(logits(seed=2), dim=1)
    ids, kept = top_tokens(p, 3)
    assert ids is not None
    assert kept.shape == (4, 4)
    torch.testing.assert_close(kept.exp().sum(dim=1), torch.ones(4, dtype=torch.float64))
    torch.testing.assert_close(lump(p, ids), kept)
    few, more, all_of_them = (divergence(*_over(p, q, k)) for k in (2, 5, 10))
    assert (few <= more + 1e-12).all()  # lumping outcomes together loses information
    assert (more <= all_of_them + 1e-12).all()
    torch.testing.assert_close(all_of_them, divergence(p, q))
    assert top_tokens(p, None)[0] is top_tokens(p, 11)[0] is None


def test_a_sure_student_still_has_a_gradient_for_the_rest() -> None:
    z = torch.zeros(1, 50)
    z[0, 7] = 80.0
    z.requires_grad_()
    ids, kept = top_tokens(
        F.log_softmax(torch.randn(1, 50, generator=torch.Generator().manual_seed(0)), dim=1), 3
    )
    divergence(kept, lump(F.log_softmax(z, dim=1), ids)).sum().backward()
    assert z.grad is not None
    assert z.grad.isfinite().all()
    assert z.grad.abs().sum() > 0


def _over(p: torch.Tensor, q: torch.Tensor, top_k: int) -> tuple[torch.Tensor, torch.Tensor]:
    ids, kept = top_tokens(p, top_k)
    return kept, lump(q, ids)


def test_means_of_several_teachers() -> None:
    found = [F.log_softmax(logits(seed=seed), dim=1) for seed in (1, 2, 3)]
    arithmetic = mean_log_probs(found, [1, 1, 2])
    torch.testing.assert_close(
        arithmetic.exp(), (found[0].exp() + found[1].exp() + 2 * found[2].exp()) / 4
    )
    geometric = mean_log_probs(found, [1, 1, 2], "geometric")
    torch.testing.assert_close(
        geometric, F.log_softmax((found[0] + found[1] + 2 * found[2]) / 4, dim=1)
    )
    for mean in ("arithmetic", "geometric"):
        torch.testing.assert_close(
            mean_log_probs(found, [1, 1, 1], mean), mean_log_probs(found[::-1], [1, 1, 1], mean)
        )  # type: ignore[arg-type]
        torch.testing.assert_close(mean_log_probs([found[0]] * 3, [1, 1, 1], mean), found[0])  # type: ignore[arg-type]
        assert mean_log_probs(found[:1], [5], mean) is found[0]  # type: ignore[arg-type]
