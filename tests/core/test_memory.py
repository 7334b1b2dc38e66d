"""What malloc keeps after a training is given back before the next."""

import os
import subprocess
import sys

import pytest

from support.places import ROOT

pytest.importorskip("torch")

CODE = """
import torch
from dsbs.core.memory import give_back_memory
from dsbs.student.cpu import tune_cpu

def resident():
    with open("/proc/self/status") as status:
        return next(int(line.split()[1]) // 1024 for line in status if line.startswith("RssAnon"))

tune_cpu()
before = resident()
pieces = [torch.ones(2_000_000) for _ in range(100)]
pinned = pieces[::10] + [torch.ones(1000)]
del pieces
kept = resident() - before
give_back_memory()
print(kept, resident() - before)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="malloc of glibc")
def test_freed_memory_is_kept_and_then_given_back() -> None:
    """100 tensors of 8 MB, of which every tenth is still in use."""
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [sys.executable, "-c", CODE], capture_output=True, text=True, check=True, env=env
    )
    kept, left = map(int, done.stdout.split())
    assert kept > 600
    assert left < 150
