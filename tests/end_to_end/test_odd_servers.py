"""Runs against servers that reply in other forms, refuse what others take, or send half a
character.
"""

from typing import Any

import pyarrow.parquet as pq
import pytest

from dsbs.core.errors import InputError
from support.farm import Farm
from support.scripted_server import TEXT, Reply, error, message, prompts_of, scripted, texts
from support.served_farm import ask

ROWS = {"max_rows": 4, "splits": "train", "max_attempts": 2}


def label(farm: Farm, url: str, **settings: Any) -> dict[str, Any]:
    return ask(farm, url, **ROWS | settings)


def rows(farm: Farm, run: str = "asked") -> list[dict[str, Any]]:
    path = farm.folder / run / "data" / "train.parquet"
    found: list[dict[str, Any]] = pq.read_table(path).to_pylist()
    return found


def test_one_odd_answer_fails_its_row_and_nothing_else(farm: Farm) -> None:
    def answer(body: dict[str, Any]) -> Reply:
        status, reply = texts(body)
        for choice, prompt in zip(reply["choices"], prompts_of(body), strict=True):
            if "goose says 0" in prompt[-40:]:
                choice["text"] = None
            if "owl says 0" in prompt[-40:]:
                choice["text"] = " It has fur \ud83d. So it is a mammal."
        return status, reply

    with scripted(answer) as server:
        made = ask(farm, server.url, api="completions", splits="train,validation,test")
    assert (made["new"], made["failed"], made["status"]) == (79, 1, "incomplete")
    ((reason, count),) = made["failures"]
    assert (reason, count) == ("the answer is empty (finish reason: stop) (3 attempts)", 1)
    goose = [b for b in server.requests if "goose says 0" in prompts_of(b)[0][-40:]]
    assert len([b for b in goose if isinstance(b["prompt"], str)]) == 2  # tried twice more, alone


def test_an_empty_answer_with_a_reason_is_stored_and_not_asked_again(farm: Farm) -> None:
    replies = {
        "length": message(None, "length", reasoning_content="Does it fly?"),
        "content_filter": message(None, "content_filter"),
        "tool_calls": message(None, "tool_calls", tool_calls=[{"id": "1"}]),
    }
    outcomes = {"length": "cut_off", "content_filter": "refused", "tool_calls": "no_label"}
    for reason, reply in replies.items():
        with scripted(lambda body, reply=reply: reply) as server:
            made = label(farm, server.url, api="chat", out=farm.folder / reason, revision=reason)
            assert (made["failed"], made["new"], len(server.requests)) == (0, 4, 4)
            assert made["splits"]["train"]["outcomes"] == {outcomes[reason]: 4}
            again = label(farm, server.url, api="chat", out=farm.folder / reason, revision=reason)
            assert (again["reused"], len(server.requests)) == (4, 4)


@pytest.mark.parametrize("manner", ["refuses", "first alone"])
def test_a_server_that_takes_one_prompt_per_request_is_asked_so(
    farm: Farm, manner: str, capfd: pytest.CaptureFixture[str]
) -> None:
    def answer(body: dict[str, Any]) -> Reply:
        if isinstance(body["prompt"], str):
            return texts(body)
        if manner == "refuses":
            return error(400, "cannot unmarshal array into field prompt of type string")
        return texts({"prompt": "one"})

    settings = {"api": "completions", "prompts_per_request": 4, "concurrency": 1}
    with scripted(answer) as server:
        made = ask(farm, server.url, **settings)
    assert (made["new"], made["failed"]) == (72, 0)
    lists = [body for body in server.requests if isinstance(body["prompt"], list)]
    assert len(lists) == 1
    assert capfd.readouterr().err.count("the server takes one prompt per request") == 1


def test_a_prompt_that_is_refused_alone_does_not_end_the_use_of_lists(farm: Farm) -> None:
    def answer(body: dict[str, Any]) -> Reply:
        if any("goose" in prompt[-40:] for prompt in prompts_of(body)):
            return error(400, "this model's maximum context length is 10 tokens")
        return texts(body)

    settings = {"api": "completions", "prompts_per_request": 8, "concurrency": 1}
    with scripted(answer) as server:
        made = ask(farm, server.url, splits="train,validation,test", **settings)
    assert (made["new"], made["failed"]) == (75, 5)
    lists = [body for body in server.requests if isinstance(body["prompt"], list)]
    assert len(lists) == 10


def test_one_prompt_is_sent_as_a_string(farm: Farm) -> None:
    with scripted(texts) as server:
        label(farm, server.url, api="completions", prompts_per_request=1)
    assert all(isinstance(body["prompt"], str) for body in server.requests)


def test_a_model_that_refuses_the_temperature_is_asked_without_and_its_key_says_so(
    farm: Farm, capfd: pytest.CaptureFixture[str]
) -> None:
    def answer(body: dict[str, Any]) -> Reply:
        if "temperature" in body:
            return error(400, "Unsupported parameter: 'temperature' is not supported")
        return message(TEXT)

    with scripted(answer) as server:
        made = label(farm, server.url, api="chat")
        assert (made["new"], made["failed"], made["status"]) == (4, 0, "done")
        assert made["changed_settings"] == {"temperature": None}
        assert capfd.readouterr().err.count("the model refuses temperature") == 1
        again = label(farm, server.url, api="chat")
        assert (again["new"], again["reused"]) == (0, 4)
    with scripted(lambda body: message(TEXT)) as other:
        plain = label(farm, other.url, api="chat")
    assert (plain["new"], plain["changed_settings"]) == (4, {})


def test_a_model_that_takes_one_temperature_is_asked_with_that(farm: Farm) -> None:
    def answer(body: dict[str, Any]) -> Reply:
        if body.get("temperature") != 1:
            reason = "'temperature' does not support 0 with this model. Only the default (1) value"
            return error(400, f"Unsupported value: {reason} is supported.", param="temperature")
        return message(TEXT)

    with scripted(answer) as server:
        made = label(farm, server.url, api="chat")
        assert (made["new"], made["changed_settings"]) == (4, {"temperature": 1.0})
        # The same request as by a user who asks for it.
        assert (
            label(
                farm,
                server.url,
                api="chat",
                temperature=1,
                out=farm.folder / "t",
                store=farm.folder / "asked" / "answers.sqlite",
            )["new"]
            == 0
        )


def test_a_server_that_knows_the_old_name_of_the_limit_is_asked_so(farm: Farm) -> None:
    def answer(body: dict[str, Any]) -> Reply:
        if "max_completion_tokens" in body:
            return error(400, "Unrecognized request argument supplied: max_completion_tokens")
        return message(TEXT) if body["max_tokens"] == 256 else error(400, "no limit")

    with scripted(answer) as server:
        made = label(farm, server.url, api="auto")
    assert (made["new"], made["failed"], made["changed_settings"]) == (4, 0, {})


def test_a_log_in_page_ends_the_run_with_one_line(farm: Farm) -> None:
    with (
        scripted(lambda body: (200, b"<html>Please log in</html>")) as server,
        pytest.raises(InputError, match="got HTML instead of JSON: '<html>Please log in"),
    ):
        label(farm, server.url, api="chat")


def test_an_error_that_is_sent_as_an_answer_shows_the_servers_reason(farm: Farm) -> None:
    reply = {"error": {"message": "insufficient credits", "code": 402}}
    with scripted(lambda body: (200, reply)) as server:
        made = label(farm, server.url, api="chat")
    assert made["failures"] == [["insufficient credits", 4]]
    assert made["status"] == "incomplete"


def test_parts_are_joined_and_an_echo_is_no_rationale(farm: Farm) -> None:
    parts = [{"type": "thinking", "thinking": "Feathers?"}, {"type": "text", "text": TEXT}]
    with scripted(lambda body: message(parts)) as server:
        label(farm, server.url, api="chat")
    assert {(row["rationale"], row["reasoning"]) for row in rows(farm)} == {
        ("It has fur.", "Feathers?")
    }

    def echo(body: dict[str, Any]) -> Reply:
        status, reply = texts(body)
        for choice, prompt in zip(reply["choices"], prompts_of(body), strict=True):
            choice["text"] = prompt + TEXT
        return status, reply

    with scripted(echo) as server:
        label(farm, server.url, api="completions", out=farm.folder / "echo")
    assert {row["rationale"] for row in rows(farm, "echo")} == {"It has fur."}


@pytest.mark.parametrize(
    "reply",
    [
        error(400, "System role not supported"),
        error(400, "Conversation roles must alternate user/assistant/user/assistant/..."),
        error(422, "Template error: system messages are not allowed"),
    ],
)
def test_a_model_without_system_messages_gets_it_in_the_first_question(
    farm: Farm, reply: Reply, capfd: pytest.CaptureFixture[str]
) -> None:
    farm.task.write_text(
        farm.task.read_text().replace("prompt:\n", 'prompt:\n  system: "Say {{ labels }}."\n')
    )

    def answer(body: dict[str, Any]) -> Reply:
        first = body["messages"][0]
        return reply if first["role"] == "system" else message(TEXT)

    with scripted(answer) as server:
        made = label(farm, server.url, api="chat", concurrency=1)
        assert (made["new"], made["failed"], made["changed_settings"]) == (4, 0, {})
        assert len(server.requests) == 5
        first = server.requests[-1]["messages"][0]
        assert first["role"] == "user"
        assert first["content"].startswith("Say bird, mammal.\n\nAnimal: hen clucks")
        assert capfd.readouterr().err.count("before the first question") == 1
    # How it was sent is not part of the key.
    with scripted(lambda body: message(TEXT)) as other:
        assert label(farm, other.url, api="chat")["reused"] == 4
