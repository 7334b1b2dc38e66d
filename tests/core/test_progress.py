"""When a line of progress is written, and what it may claim. The clock is the test's own."""

import pytest

from dsbs.core.progress import READ_BY_PROGRAM, Progress


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def written(seconds: int, capsys: pytest.CaptureFixture[str]) -> list[str]:
    """The lines of work that gets one item done per second."""
    clock = Clock()
    with Progress("work", seconds, clock=clock) as progress:
        for _ in range(seconds):
            clock.now += 1
            progress.add()
    return capsys.readouterr().err.splitlines()


def done(line: str) -> int:
    return int(line.split("/")[0].split()[-1].replace(",", ""))


def test_a_log_gets_a_line_after_ten_seconds_and_then_more_and_more_rarely(
    capsys: pytest.CaptureFixture[str],
) -> None:
    lines = written(1000, capsys)
    assert [done(line) for line in lines] == [10, 20, 40, 80, 160, 320, 620, 920, 1000]


def test_a_log_that_a_program_reads_gets_a_line_every_ten_seconds(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(READ_BY_PROGRAM, "1")
    assert [done(line) for line in written(100, capsys)] == [*range(10, 101, 10), 100]


def test_the_end_states_the_time_it_took(capsys: pytest.CaptureFixture[str]) -> None:
    assert written(5, capsys) == ["work 5/5 rows (100%), 1/s, 5.0 s"]


def test_no_time_left_is_claimed_from_a_cold_start_nor_with_it() -> None:
    """Two minutes pass before the first item; then one is done per second."""
    clock = Clock()
    progress = Progress("work", 1000, clock=clock, shown=False)
    assert " left" not in progress.line()
    clock.now += 120
    for _ in range(10):
        progress.add()
        assert " left" not in progress.line()
        clock.now += 1
    progress.add()
    assert "16 min 29 s left" in progress.line()  # 989 items


def test_work_of_an_earlier_start_says_nothing_about_the_rate() -> None:
    clock = Clock()
    progress = Progress("work", 1000, clock=clock, shown=False)
    progress.skip(900)
    progress.add()
    clock.now += 20
    assert " left" not in progress.line()
    progress.add(10)
    assert "2 min 58 s left" in progress.line()  # 89 items at one in two seconds
