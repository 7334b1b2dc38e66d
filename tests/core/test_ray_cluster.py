"""Joining a Ray cluster that is not there, or without Ray."""

import sys
import time

import pytest

from dsbs.core.errors import InputError
from dsbs.core.ray_cluster import joined

pytest.importorskip("ray", reason="Ray is not installed; make test installs it")


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        (
            "127.0.0.1:1",
            r"--ray-address 127.0.0.1:1: got ConnectionRefusedError.*; expected a Ray cluster; start one",
        ),
        ("ray://somewhere:10001", "--ray-address: got ray://somewhere:10001; expected HOST:PORT"),
    ],
)
def test_a_cluster_that_is_not_there_is_told_at_once(address: str, expected: str) -> None:
    started = time.monotonic()
    with pytest.raises(InputError, match=expected), joined(address):
        pass
    assert time.monotonic() - started < 20


def test_without_ray_one_line_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    with (
        pytest.raises(InputError, match=r"Ray needs ray: pip install 'dsbs\[ray\]'"),
        joined(None),
    ):
        pass
