"""The farm labeled through a server on loopback, and what the server saw."""

import hashlib
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

from dsbs import api
from dsbs.data.load import load_data
from dsbs.tasks.prompts import load_task, prompt_prefix, render_prompt
from support.farm import Farm

Serve = Callable[..., str]


def ask(farm: Farm, url: str, **settings: Any) -> dict[str, Any]:
    """Label train and validation of the farm through a server."""
    shared = {
        "task": str(farm.task),
        "data": farm.data,
        "engine": "endpoint",
        "teacher": "model",
        "base_url": url,
    }
    return api.generate(**shared | {"out": farm.folder / "asked"} | settings)


def flags(farm: Farm, url: str) -> list[str | Path]:
    """The flags of `generate` that label the farm through a server."""
    rows: list[str | Path] = ["--task", farm.task, "--data", farm.data]
    return [*rows, "--engine", "endpoint", "--teacher", "model", "--base-url", url]


def seen(log: Path) -> Counter[str]:
    """How often the server saw each prompt."""
    return Counter(log.read_text().split()) if log.exists() else Counter()


def prompts(farm: Farm, splits: tuple[str, ...] = ("train", "validation")) -> dict[str, str]:
    """Hash of the prompt of every example, as the server logs it, by example id."""
    task = load_task(str(farm.task))
    prefix, data = prompt_prefix(task), load_data(task, farm.data).with_validation()
    rows = [e for split in splits for e in data.splits[split]]  # type: ignore[index]
    return {e.id: hashlib.sha256(render_prompt(task, e, prefix).encode()).hexdigest() for e in rows}
