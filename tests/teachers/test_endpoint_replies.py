"""Only the text of a reply is needed; whatever else is missing, odd or in parts is no reason to
lose it.
"""

import contextlib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dsbs.core.records import Completion
from dsbs.teachers.endpoint_errors import BadReply, NotJson, TooFewChoices
from dsbs.teachers.endpoint_replies import read_chat, read_texts
from dsbs.teachers.protocol import Prompt

PROMPTS = [Prompt("a", "Animal: owl\nAnswer:"), Prompt("b", "Animal: bat\nAnswer:")]


def choices(*texts: Any, **more: Any) -> dict[str, Any]:
    return {"choices": [{"text": text, **more} for text in texts]}


def test_a_text_alone_is_an_answer() -> None:
    first, second = read_texts(choices(" bird", " mammal"), PROMPTS)
    assert (first.id, first.text, first.finish_reason) == ("a", " bird", None)
    assert (second.id, second.text, second.prompt_tokens) == ("b", " mammal", None)


def test_answers_are_put_in_the_order_of_their_indexes() -> None:
    reply = {"choices": [{"index": 1, "text": "second"}, {"index": 0, "text": "first"}]}
    assert [c.text for c in read_texts(reply, PROMPTS)] == ["first", "second"]
    texts = {"choices": [{"index": "1", "text": "second"}, {"index": "0", "text": "first"}]}
    assert [c.text for c in read_texts(texts, PROMPTS)] == ["first", "second"]
    odd = {"choices": [{"index": 7, "text": "first"}, {"index": None, "text": "second"}]}
    assert [c.text for c in read_texts(odd, PROMPTS)] == ["first", "second"]


@pytest.mark.parametrize(
    "usage",
    [None, {}, "12", [], {"prompt_tokens": None}, {"prompt_tokens": "12", "completion_tokens": {}}],
)
def test_tokens_that_are_not_counted_are_unknown(usage: Any) -> None:
    (found,) = read_texts(choices("bird") | {"usage": usage}, PROMPTS[:1])
    assert (found.text, found.prompt_tokens, found.completion_tokens) == ("bird", None, None)


def test_tokens_of_a_request_are_shared_among_its_prompts() -> None:
    usage = {
        "prompt_tokens": 11.0,
        "completion_tokens": 4,
        "prompt_tokens_details": {"cached_tokens": 3},
    }
    first, second = read_texts(choices("x", "y") | {"usage": usage}, PROMPTS)
    assert (first.prompt_tokens, second.prompt_tokens) == (6, 5)
    assert (first.completion_tokens, first.cached_tokens, second.cached_tokens) == (2, 2, 1)


def test_a_prompt_that_is_repeated_is_not_part_of_its_answer() -> None:
    reply = choices(PROMPTS[0].text + " bird", " mammal")
    assert [c.text for c in read_texts(reply, PROMPTS)] == [" bird", " mammal"]


def test_half_a_character_becomes_a_mark_and_a_whole_one_stays() -> None:
    reply = choices("owl \U0001f989", "half \ud83e an owl")
    assert [c.text for c in read_texts(reply, PROMPTS)] == ["owl \U0001f989", "half \ufffd an owl"]


def test_content_in_parts_is_joined_and_thoughts_are_kept_apart() -> None:
    content = [
        {"type": "thinking", "thinking": [{"type": "text", "text": "Does it fly?"}]},
        {"type": "text", "text": "It has fur. "},
        {"type": "reasoning", "text": "Hm."},
        {"type": "output_text", "text": "So it is a mammal."},
    ]
    found = read_chat({"choices": [{"message": {"content": content}}]}, PROMPTS[0])
    assert found.text == "It has fur. So it is a mammal."
    assert found.reasoning == "Does it fly?\nHm."


@pytest.mark.parametrize("field", ["reasoning", "reasoning_content", "thinking"])
def test_a_trace_beside_the_content_is_kept(field: str) -> None:
    message = {"content": "bird", field: "It flies."}
    found = read_chat({"choices": [{"message": message}]}, PROMPTS[0])
    assert (found.text, found.reasoning) == ("bird", "It flies.")


@pytest.mark.parametrize(
    ("reply", "reason"),
    [
        ({}, "a reply without choices"),
        ({"choices": None}, "a reply without choices"),
        ({"choices": []}, "a reply without choices"),
        ({"choices": [None]}, "a reply without choices"),
        (None, "a reply of type NoneType"),
        ({"error": {"message": "insufficient credits", "code": 402}}, "insufficient credits"),
        ({"error": "no model loaded"}, "no model loaded"),
        ({"detail": "queue is full"}, "queue is full"),
        ({"detail": [{"loc": ["body"], "msg": "field required"}]}, "field required"),
        ({"errors": [{"message": "no such deployment"}]}, "no such deployment"),
        ({"generated": "bird"}, 'a reply without choices: {"generated": "bird"}'),
    ],
)
def test_a_reply_without_answer_states_the_servers_own_reason(reply: Any, reason: str) -> None:
    with pytest.raises(BadReply, match=reason):
        read_chat(reply, PROMPTS[0])


ODD = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_subnormal=False)
    | st.text(st.characters(codec=None), max_size=6)
    | st.sampled_from([10**400, {}, [], [{"type": "thinking", "thinking": [None]}], [1, "a", {}]])
)
CHOICE = st.fixed_dictionaries(
    {},
    optional={
        "text": ODD,
        "index": ODD,
        "finish_reason": ODD,
        "message": ODD
        | st.dictionaries(st.sampled_from(["content", "refusal", "reasoning"]), ODD, max_size=3),
    },
)
USAGE = st.dictionaries(
    st.sampled_from(["prompt_tokens", "completion_tokens", "prompt_tokens_details"]), ODD
)
REPLIES = (
    ODD
    | st.binary(max_size=20)
    | st.fixed_dictionaries(
        {}, optional={"choices": ODD | st.lists(CHOICE, max_size=3), "usage": USAGE, "error": ODD}
    )
)


@given(reply=REPLIES)
def test_any_reply_is_an_answer_or_says_why_it_is_none(reply: Any) -> None:
    for prompts in (PROMPTS, PROMPTS[:1]):
        with contextlib.suppress(BadReply):
            for found in read_texts(reply, prompts):
                is_storable(found)
    with contextlib.suppress(BadReply):
        is_storable(read_chat(reply, PROMPTS[0]))


def is_storable(found: Completion) -> None:
    for text in (found.text, found.reasoning or "", found.finish_reason or ""):
        text.encode()
    for count in (found.prompt_tokens, found.completion_tokens, found.cached_tokens):
        assert count is None or 0 <= count < 1 << 53


def test_a_page_is_not_json_and_fewer_answers_than_prompts_are_not_paired() -> None:
    with pytest.raises(NotJson, match="HTML instead of JSON: '<html>"):
        read_texts("<html>Please log in</html>", PROMPTS)
    with pytest.raises(TooFewChoices):
        read_texts(choices("bird"), PROMPTS)
