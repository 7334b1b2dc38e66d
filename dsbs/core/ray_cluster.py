"""A Ray cluster, joined for the time of a run; a new one of this machine where there is none."""

import contextlib
import logging
import os
import signal
import socket
import threading
from collections.abc import Iterator
from typing import Any, NamedTuple

from dsbs.core.errors import InputError
from dsbs.core.require import require

_REACH_S = 5.0
"""Seconds to wait for an address. Ray itself waits two minutes, then ends the process."""


@contextlib.contextmanager
def joined(address: str | None) -> Iterator[Any]:
    """The module `ray`, connected to the cluster at `address` (HOST:PORT).

    Default: the address in RAY_ADDRESS, else the cluster that this machine belongs to, else a new
    one of this machine alone. A cluster that the caller has already joined is used as it is. Raises
    InputError where Ray is not installed or the address does not answer.
    """
    require("ray", "ray", needed_by="Ray")
    import ray

    if ray.is_initialized():
        yield ray
        return
    _reach(address or os.environ.get("RAY_ADDRESS", ""))
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # no usage reports
    on_sigterm = signal.getsignal(signal.SIGTERM)
    try:
        # The output of workers stays in Ray's own logs: stdout is for results.
        ray.init(
            address=address,
            log_to_driver=False,
            logging_level=logging.ERROR,
            include_dashboard=False,
        )
    except ConnectionError as error:
        raise _unreached(address, error) from None
    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGTERM, on_sigterm)  # Ray's own would end the process at once
    try:
        yield ray
    finally:
        ray.shutdown()


def gpus(ray: Any) -> int:
    """GPUs of the whole cluster."""
    return int(ray.cluster_resources().get("GPU", 0))


class Machines(NamedTuple):
    """How many machines of a cluster can work, and how many have been lost so far."""

    up: int
    lost: int


def machines(ray: Any) -> Machines:
    """The machines of the cluster now. A head node without processors does not count as up."""
    nodes = ray.nodes()
    return Machines(
        sum("CPU" in n["Resources"] for n in nodes if n["Alive"]),
        sum(not n["Alive"] for n in nodes),
    )


def _reach(address: str) -> None:
    if address in ("", "auto", "local"):
        return
    host, _, port = address.rpartition(":")
    if "://" in address or not host or not port.isdecimal():
        fix = "run on a machine of the cluster, with the HOST:PORT that `ray start` prints"
        raise InputError("--ray-address", got=address, expected="HOST:PORT", fix=fix)
    try:
        socket.create_connection((host, int(port)), timeout=_REACH_S).close()
    except OSError as error:
        raise _unreached(address, error) from None


def _unreached(address: str | None, error: Exception) -> InputError:
    got = " ".join(f"{type(error).__name__}: {error}".split())
    fix = "start one with `ray start --head`, or check the address"
    return InputError(
        f"--ray-address {address or os.environ.get('RAY_ADDRESS')}",
        got=got,
        expected="a Ray cluster",
        fix=fix,
    )
