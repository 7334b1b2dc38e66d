"""Memory that malloc keeps."""

import contextlib
import ctypes
import gc


def give_back_memory() -> None:
    """Return to the system what is free: the models of one piece of work, before the next begins.

    On a CPU, `tune_cpu` lets malloc keep freed memory. Over several trainings its pieces no longer
    fit together, and the process would grow far beyond its largest training.
    """
    gc.collect()
    # Other C libraries than glibc do not have it.
    with contextlib.suppress(OSError, AttributeError, TypeError):
        ctypes.CDLL(None).malloc_trim(0)
