"""Many requests from a plain generator."""

import asyncio
from collections.abc import Iterator

import pytest

from dsbs.teachers.async_bridge import drive, groups
from dsbs.teachers.protocol import WAIT, Idle


def test_work_is_drawn_only_when_there_is_room_and_all_of_it_comes_back() -> None:
    loop, drawn, running, most = asyncio.new_event_loop(), 0, 0, 0

    def items() -> Iterator[int]:
        nonlocal drawn
        for number in range(50):
            drawn += 1
            yield number

    async def work(number: int) -> int:
        nonlocal running, most
        running, most = running + 1, max(most, running + 1)
        await asyncio.sleep(0.001 * (number % 3))
        running -= 1
        return number

    found = []
    for result in drive(loop, items(), work, lambda: 4):
        assert drawn <= len(found) + 1 + 4
        found += [] if isinstance(result, Idle) else [result]
    assert sorted(found) == list(range(50))
    assert most == 4
    loop.close()


def test_what_is_in_flight_is_handed_on_when_one_request_breaks() -> None:
    loop = asyncio.new_event_loop()

    async def work(number: int) -> int:
        await asyncio.sleep(0.02 if number else 0)
        if not number:
            raise ValueError("broken")
        return number

    found: list[int] = []
    driven = drive(loop, range(1000), work, lambda: 5)
    with pytest.raises(ValueError, match="broken"):
        found.extend(result for result in driven if not isinstance(result, Idle))
    assert sorted(found) == [1, 2, 3, 4]  # sent with the broken one, and nothing after it
    loop.close()


def test_closing_cancels_what_is_in_flight() -> None:
    loop, cancelled = asyncio.new_event_loop(), []

    async def work(number: int) -> int:
        try:
            await asyncio.sleep(60 if number else 0)
        except asyncio.CancelledError:
            cancelled.append(number)
            raise
        return number

    driven = drive(loop, range(3), work, lambda: 3)
    assert next(one for one in driven if not isinstance(one, Idle)) == 0
    driven.close()
    assert sorted(cancelled) == [1, 2]
    loop.close()


def test_groups_hand_on_what_they_have_when_told_to_wait() -> None:
    assert list(groups([1, 2, 3, WAIT, 4, 5], 2)) == [[1, 2], [3], WAIT, [4, 5]]
