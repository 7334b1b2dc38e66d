"""The server of the field cases, whose model's name says how it answers, for a session."""

import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def field_server(script: Path, folder: Path) -> Iterator[int]:
    """Run the server in a folder where it may write. Gives its port."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = int(free.getsockname()[1])
    server = subprocess.Popen([sys.executable, str(script), str(port)], cwd=folder)
    try:
        _await(port)
        yield port
    finally:
        server.kill()
        server.wait()


def _await(port: int) -> None:
    for _ in range(200):
        with socket.socket() as tried:
            if tried.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    raise TimeoutError(f"no server on port {port}")
