"""Contracts made by hand."""

from typing import Any

from dsbs.artifacts.results.contract import Identity, RowOrigin
from dsbs.contracts.contract import Contract

IDENTITY = Identity(
    weights="w", tokenizer="t", labels="l", task="k", prompt="p", precision="fp32",
    runtime="torch 2", card="c",
)  # fmt: skip


def made_contract(**changes: Any) -> Contract:
    """A contract that holds at a threshold of 0.9."""
    origin = RowOrigin(source="file", found=1000)
    terms = {"task": "mytask", "agree": 0.98, "confidence": 0.95, "holds": True}
    terms |= {"threshold": 0.9, "n": 1000, "rows": origin, "identity": IDENTITY}
    return Contract(**{**terms, **changes})
