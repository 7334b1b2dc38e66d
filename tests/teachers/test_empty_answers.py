"""Which empty texts are answers, and what becomes of the others, whichever engine gave them."""

from collections.abc import Generator, Iterable, Mapping
from typing import Any, Self

import pytest

from dsbs.core.records import Completion
from dsbs.teachers.async_bridge import groups
from dsbs.teachers.empty_answers import EmptyAskedAgain, why_no_answer
from dsbs.teachers.endpoint_replies import read_chat, read_texts
from dsbs.teachers.protocol import IDLE, Idle, Prompt, Sampling, Wait


@pytest.mark.parametrize(
    ("reason", "kept", "empty"),
    [
        ("length", "length", False),
        ("max_tokens", "length", False),
        ("MAX_TOKENS", "length", False),
        ("content_filter", "content_filter", False),
        ("refusal", "content_filter", False),
        ("SAFETY", "content_filter", False),
        ("tool_calls", "tool_calls", False),
        ("function_call", "tool_calls", False),
        ("tool_use", "tool_calls", False),
        ("stop", "stop", True),
        ("end_turn", "stop", True),
        ("", None, True),
        ("something new", "something new", True),
        (None, None, True),
    ],
)
@pytest.mark.parametrize("text", [None, "", " \n"])
def test_an_empty_text_is_an_answer_where_its_finish_reason_explains_it(
    reason: str | None, kept: str | None, empty: bool, text: str | None
) -> None:
    prompt = Prompt("a", "Animal: owl\nAnswer:")
    chat = read_chat({"choices": [{"message": {"content": text}, "finish_reason": reason}]}, prompt)
    (continued,) = read_texts({"choices": [{"text": text, "finish_reason": reason}]}, [prompt])
    for found in (chat, continued):
        assert found.finish_reason == kept
        assert bool(why_no_answer(found)) == empty


def test_scores_are_an_answer_and_what_broke_off_is_none() -> None:
    assert why_no_answer(Completion("a", "", "score", label_scores={"bird": -0.1})) == ""
    prompt = Prompt("a", "Animal: owl\nAnswer:")
    reply = {"choices": [{"text": " It has fea", "finish_reason": "abort"}]}
    assert why_no_answer(*read_texts(reply, [prompt])) == "the answer broke off"


class Teacher:
    """A teacher that answers in batches, as engines do, from a list of texts per prompt."""

    name = "t"
    identity: Mapping[str, Any] = {}
    chat = False
    sampling = Sampling()

    def __init__(self, **texts: list[str]) -> None:
        self.texts = texts
        self.requests: list[list[str]] = []

    def complete(
        self, prompts: Iterable[Prompt | Wait]
    ) -> Generator[Completion | Idle, None, None]:
        for batch in groups(prompts, 4):
            if isinstance(batch, Wait):
                yield IDLE
                continue
            self.requests.append([prompt.id for prompt in batch])
            for prompt in batch:
                yield Completion(prompt.id, self.texts[prompt.id].pop(0), "stop", 10, 2)

    def count_tokens(self, texts: list[str]) -> None:
        return None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *unused: object) -> None:
        return None


def answers(teacher: Teacher) -> dict[str, Completion]:
    prompts = [Prompt(key, key) for key in teacher.texts]
    found = [c for c in EmptyAskedAgain(teacher).complete(prompts) if not isinstance(c, Idle)]
    assert len(found) == len(prompts)
    return {completion.id: completion for completion in found}


def test_an_empty_answer_is_asked_twice_more_alone_and_then_failed() -> None:
    teacher = Teacher(a=["one"], b=["", "", ""], c=["", "late"], d=["one"], e=["one"])
    found = answers(teacher)
    assert {key: c.text for key, c in found.items()} == {
        "a": "one",
        "b": "",
        "c": "late",
        "d": "one",
        "e": "one",
    }
    assert found["b"].error == "the answer is empty (finish reason: stop) (3 attempts)"
    assert [c.error for key, c in found.items() if key != "b"] == [None] * 4
    assert teacher.requests[0] == ["a", "b", "c", "d"]
    assert sorted(teacher.requests[1:]) == [["b"], ["b"], ["c"], ["e"]]


def test_every_attempt_is_counted_because_it_was_paid_for() -> None:
    found = answers(Teacher(a=["", "late"], b=["", "", ""], c=["one"]))
    tokens = {key: (c.prompt_tokens, c.completion_tokens) for key, c in found.items()}
    assert tokens == {"a": (20, 4), "b": (30, 6), "c": (10, 2)}


def test_prompts_are_drawn_as_lazily_as_the_teacher_draws_them() -> None:
    drawn = []

    def prompts() -> Iterable[Prompt]:
        for number in range(100):
            drawn.append(number)
            yield Prompt(str(number), "")

    teacher = Teacher(**{str(number): ["one"] for number in range(100)})
    completions = EmptyAskedAgain(teacher).complete(prompts())
    next(completions)
    assert len(drawn) == 4
    completions.close()
