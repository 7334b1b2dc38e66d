"""How this process uses a CPU and its memory."""

import contextlib
import ctypes

import torch

# Names and numbers of glibc's mallopt(3).
_TRIM_THRESHOLD = -1
_TOP_PAD = -2
_MMAP_MAX = -4
_ALLOCATION = ((_MMAP_MAX, 0), (_TRIM_THRESHOLD, 2**31 - 1), (_TOP_PAD, 2**28))


def tune_cpu() -> None:
    """Treat numbers below 1e-38 as 0 and keep freed memory, as GPUs do. Call before threads start.

    A CPU takes a hundred times as long for such numbers, which do not matter here. And by default,
    malloc returns every large tensor to the system, and fetches the next one page by page.
    """
    torch.set_flush_denormal(True)
    if torch.accelerator.is_available():
        return
    # Other C libraries do not have mallopt.
    with contextlib.suppress(OSError, AttributeError, TypeError):
        mallopt = ctypes.CDLL(None).mallopt
        for name, value in _ALLOCATION:
            mallopt(name, value)
