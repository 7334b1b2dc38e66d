"""What an error says, and what is done about it."""

import httpx
import openai
import pytest

from dsbs.teachers.endpoint_errors import (
    BadReply,
    TooFewChoices,
    describe,
    is_permanent,
    refused_setting,
    stated_default,
    wait_s,
)

SENT = {"temperature", "top_p", "stop", "max_tokens", "max_completion_tokens"}


def status(code: int, body: object, headers: dict[str, str] | None = None) -> openai.APIStatusError:
    request = httpx.Request("POST", "http://host/v1/completions")
    text = body if isinstance(body, str) else ""
    response = httpx.Response(code, text=text, request=request, headers=headers)
    inner = body.get("error", body) if isinstance(body, dict) else body
    return openai.APIStatusError("message", response=response, body=inner)


@pytest.mark.parametrize(
    ("body", "shown"),
    [
        ({"error": {"message": "no such model"}}, "HTTP 400: no such model"),
        ({"message": "no such\nmodel"}, "HTTP 400: no such model"),
        ({"detail": [{"msg": "x"}], "message": ""}, "HTTP 400: x"),
        ("<html>Bad gateway</html>", "HTTP 400: <html>Bad gateway</html>"),
        ("", "HTTP 400: no message"),
    ],
)
def test_the_servers_own_message_is_shown(body: object, shown: str) -> None:
    assert describe(status(400, body)) == shown


@pytest.mark.parametrize(
    ("message", "setting"),
    [
        ("Unsupported value: 'temperature' does not support 0 with this model.", "temperature"),
        ("Unsupported parameter: 'top_p' is not supported with this model.", "top_p"),
        ("Unrecognized request argument supplied: max_completion_tokens", "max_completion_tokens"),
        ("Extra inputs are not permitted: stop", "stop"),
        ("Unsupported parameter: 'max_tokens'. Use 'max_completion_tokens' instead.", "max_tokens"),
        ("This model's maximum context length is 512 tokens; max_tokens is too large", None),
        ("the prompt talks of temperature", None),
    ],
)
def test_a_refused_setting_is_told_from_other_errors(message: str, setting: str | None) -> None:
    assert refused_setting(status(400, {"error": {"message": message}}), SENT) == setting
    assert refused_setting(status(500, {"error": {"message": message}}), SENT) is None


def test_the_only_value_that_a_model_takes_is_read() -> None:
    assert stated_default("Only the default (1) value is supported.") == 1.0
    assert stated_default("temperature is not supported") is None


def test_what_fails_again_is_not_tried_again() -> None:
    assert is_permanent(status(400, "x"))
    assert is_permanent(BadReply("insufficient credits", 402))
    assert is_permanent(TooFewChoices("1 answers to 2 prompts"))
    assert not any(map(is_permanent, (status(429, "x"), status(503, "x"), BadReply("no choices"))))


def test_a_server_says_when_to_come_back() -> None:
    assert wait_s(status(429, "x", {"retry-after": "7"}), 1, jitter=1.0) == 7
    assert [wait_s(status(503, "x"), attempt, jitter=1.0) for attempt in (1, 2, 3)] == [0.5, 1, 2]
    assert wait_s(status(503, "x"), 50, jitter=1.0) == 60
