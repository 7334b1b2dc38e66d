"""How processes are ended: by SIGTERM, and by SIGKILL those that are still there later."""

import signal
import time
from collections.abc import Callable, Iterable

PATIENCE_S = 20
"""Time between SIGTERM and SIGKILL."""

_SIGKILL = 9
"""Not from `signal`, which has it on POSIX only."""

Send = Callable[[int, int], None]
"""`os.kill` for processes, `os.killpg` for groups of them."""


def stop(send: Send, targets: Iterable[int]) -> None:
    """Stop processes or groups, and wait until they have ended, at most `PATIENCE_S`."""
    end = time.monotonic() + PATIENCE_S
    running = [target for target in targets if is_sent(send, target, signal.SIGTERM)]
    while running and time.monotonic() < end:
        time.sleep(0.05)
        running = [target for target in running if is_sent(send, target, 0)]
    for target in running:
        is_sent(send, target, signal.SIGKILL)


def in_words(code: int) -> str:
    """How a process ended: by its exit code, or minus the signal (or 128 plus it) that ended it."""
    number = -code if code < 0 else code - 128
    try:
        name = signal.Signals(number).name
    except ValueError:
        return f"that ended with exit code {code}"
    memory = "; the system does so when memory runs out" if number == _SIGKILL else ""
    return f"that was ended by {name}{memory}"


def is_sent(send: Send, target: int, number: int) -> bool:
    """Send a signal. Whether there is such a process or group."""
    try:
        send(target, number)
    except (ProcessLookupError, PermissionError):
        return False
    return True
