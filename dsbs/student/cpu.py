"""How this process uses a processor and its memory."""

import contextlib
import ctypes

import torch

_TRIM_THRESHOLD, _TOP_PAD, _MMAP_MAX = -1, -2, -4
"""Names of glibc's mallopt(3)."""


def settle() -> None:
    """Count numbers below 1e-38 as 0, and keep memory that was freed, as GPUs do. Before threads start.

    A processor takes a hundred times as long for such numbers, which say nothing here. By itself malloc gives every large
    tensor back at once, and gets its pages again, one fault each, for the next one.
    """
    torch.set_flush_denormal(True)
    if torch.accelerator.is_available():
        return
    with contextlib.suppress(OSError, AttributeError, TypeError):  # another libc has no such thing
        mallopt = ctypes.CDLL(None).mallopt
        for name, value in ((_MMAP_MAX, 0), (_TRIM_THRESHOLD, 2**31 - 1), (_TOP_PAD, 2**28)):
            mallopt(name, value)
