"""Random logits for the arithmetic of losses."""

import torch


def logits(rows: int = 4, labels: int = 10, seed: int = 0) -> torch.Tensor:
    return 3 * torch.randn(
        rows, labels, generator=torch.Generator().manual_seed(seed), dtype=torch.float64
    )
