"""An engine of vLLM whose process is killed from outside, such as for want of memory.

vLLM 0.32 marks the client of such an engine as dead, but the thread that waits for the engine's
next output is not woken (`SyncMPClient.get_output` in vllm/v1/engine/core_client.py).
"""

import contextlib
import threading
from collections.abc import Iterator
from typing import Any

from dsbs.core.ending import in_words

_LOOK_S = 0.2
"""Seconds between looks at the mark."""


@contextlib.contextmanager
def told_of_death(client: Any) -> Iterator[None]:
    """Meanwhile, whoever waits for the output of an engine that has died gets EngineDeadError.

    Nothing happens where the engine computes in this process.
    """
    if not hasattr(client, "outputs_queue"):
        yield
        return
    ended = threading.Event()
    threading.Thread(target=_watch, args=(client, ended), daemon=True).start()
    try:
        yield
    finally:
        ended.set()


def how_it_died(client: Any) -> str:
    """How the engine's process ended, in words."""
    manager = getattr(getattr(client, "resources", None), "engine_manager", None)
    codes = [process.exitcode for process in getattr(manager, "processes", ())]
    return next((in_words(code) for code in codes if code), "that ended by itself")


def _watch(client: Any, ended: threading.Event) -> None:
    from vllm.v1.engine.exceptions import EngineDeadError

    while not ended.wait(_LOOK_S):
        if client.resources.engine_dead:
            client.outputs_queue.put(EngineDeadError())
            return
