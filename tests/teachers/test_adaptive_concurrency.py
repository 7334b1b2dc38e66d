"""How many requests are in flight at once."""

import pytest

from dsbs.teachers.adaptive_concurrency import Gate


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def answer(gate: Gate, clock: Clock, capacity: int, rounds: int) -> None:
    """A server that takes a second for up to `capacity` requests at once, and longer in proportion
    for more.
    """
    for _ in range(rounds):
        started, at_once = clock.now, gate()
        clock.now += max(1.0, at_once / capacity)
        for _ in range(at_once):
            gate.succeeded(started)


@pytest.mark.parametrize("capacity", [20, 100, 1000])
def test_a_gate_opens_until_a_server_is_busy_and_not_much_further(capacity: int) -> None:
    clock = Clock()
    gate = Gate(256, clock=clock)
    answer(gate, clock, capacity, rounds=40)
    assert min(capacity, 256) * 0.7 <= gate() <= min(2 * capacity, 256)


def test_a_gate_halves_once_for_a_burst_of_refusals_and_recovers() -> None:
    clock = Clock()
    gate = Gate(64, clock=clock)
    answer(gate, clock, 1000, rounds=20)
    assert gate() == 64
    started, clock.now = clock.now, clock.now + 1
    for _ in range(10):
        gate.overloaded(started)  # all of them were sent before the first refusal came
    assert gate() == 32
    gate.overloaded(clock.now)
    assert gate() == 16
    answer(gate, clock, 1000, rounds=200)
    assert gate() == 64


def test_a_gate_never_closes() -> None:
    clock = Clock()
    gate = Gate(4, clock=clock)
    for _ in range(20):
        clock.now += 1
        gate.overloaded(clock.now)
    assert gate() == 1
