"""Dropout in one pass over memory."""

import pytest
import torch

from dsbs.student.t5.dropout import dropout


def test_dropout_drops_its_share_scales_the_rest_and_lets_the_same_places_learn() -> None:
    torch.manual_seed(0)
    x = torch.ones(300, 501, requires_grad=True)
    found = dropout(x, 0.1)
    found.sum().backward()
    assert (found == 0).float().mean().item() == pytest.approx(0.1, abs=0.003)
    assert found.max().item() == pytest.approx(1 / 0.9)
    assert torch.equal(x.grad, found)
    assert not torch.equal(dropout(x, 0.1), found)
    assert dropout(x, 0.0) is x
