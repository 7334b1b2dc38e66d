"""Answers are durable at once where they are dear, and in groups where they come fast."""

from collections.abc import Iterable, Iterator

import pytest

from dsbs.core.records import Completion
from dsbs.labeling.pacing import in_commits
from dsbs.teachers.protocol import IDLE, Idle


def completions(keys: str) -> list[Completion]:
    return [Completion(key, "text") for key in keys]


class Committing:
    """A teacher and a disk, with a clock of their own: what is committed together."""

    def __init__(self, *, commit_s: float) -> None:
        self.now = 0.0
        self.commit_s = commit_s

    def every(self, seconds: float, count: int) -> Iterator[Completion]:
        """An answer every so many seconds, from a teacher that is never idle."""
        for number in range(count):
            self.now += seconds
            yield Completion(str(number), "text")

    def sizes(self, answers: Iterable[Completion | Idle]) -> list[int]:
        """The number of answers in each commit."""
        found = []
        for group in in_commits(answers, lambda: self.now):
            self.now += self.commit_s
            found.append(len(group))
        return found


def test_answers_are_committed_as_soon_as_the_teacher_is_idle() -> None:
    def slowly() -> Iterator[Completion | Idle]:
        yield from completions("abc")
        yield IDLE
        yield from completions("de")
        yield IDLE
        yield IDLE
        yield from completions("f")

    assert Committing(commit_s=0.005).sizes(slowly()) == [1, 2, 2, 1]


@pytest.mark.parametrize("commit_s", [0.001, 0.005, 0.5])
def test_every_answer_of_a_slow_teacher_is_committed_at_once(commit_s: float) -> None:
    """Though it is never idle, and however long a commit takes."""
    run = Committing(commit_s=commit_s)
    assert run.sizes(run.every(0.11, 50)) == [1] * 50


@pytest.mark.parametrize(("commit_s", "wait_s"), [(0.001, 0.01), (0.005, 0.05), (0.5, 0.1)])
def test_answers_of_a_fast_teacher_wait_ten_times_as_long_as_a_commit_takes(
    commit_s: float, wait_s: float
) -> None:
    """And at most a tenth of a second, whatever a commit takes."""
    run = Committing(commit_s=commit_s)
    first, *later = run.sizes(run.every(0.001, 2000))
    assert first == 1
    assert set(later[:-1]) <= {round(wait_s / 0.001), round(wait_s / 0.001) + 1}


def test_no_more_than_512_answers_wait() -> None:
    run = Committing(commit_s=0.1)
    assert max(run.sizes(run.every(0.00001, 5000))) == 512


def test_what_has_arrived_is_committed_when_the_teacher_breaks() -> None:
    def broken() -> Iterator[Completion]:
        yield from completions("abc")
        raise RuntimeError("gone")

    groups = in_commits(broken(), iter([0.0, 0.0, 0.1, 0.1, 0.1]).__next__)
    assert [len(next(groups)), len(next(groups))] == [1, 2]
    with pytest.raises(RuntimeError, match="gone"):
        next(groups)
