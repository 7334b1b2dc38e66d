"""Servers have many words for why an answer ended; a cut answer is never taken for a whole one."""

import pytest

from dsbs.teachers.finish_reasons import finish_reason


@pytest.mark.parametrize(
    ("stated", "meant"),
    [
        ("length", "length"),
        ("MAX_TOKENS", "length"),
        ("max-output-tokens", "length"),
        ("model_context_window_exceeded", "length"),
        ("end_turn", "stop"),
        ("STOP", "stop"),
        ("eos", "stop"),
        ("SAFETY", "content_filter"),
        ("refusal", "content_filter"),
        ("function_call", "tool_calls"),
        ("abort", "error"),
        ("something new", "something new"),
        ("half \ud83d", "half \ufffd"),
        ("", None),
        (None, None),
        ({"type": "stop"}, None),
        (7, None),
    ],
)
def test_the_reasons_of_servers_in_one_set_of_words(stated: object, meant: str | None) -> None:
    assert finish_reason(stated) == meant
