"""Secrets and control characters never reach what is printed or written."""

import base64
import json
from collections.abc import Iterator

import pytest

from dsbs.core import known_secrets
from dsbs.core.known_secrets import (
    HIDDEN,
    printable,
    printable_json,
    remember,
    remember_environment,
    without_secrets,
)
from dsbs.core.redaction import is_secret_name, public, public_command, public_setting

SECRET = "s3cr3t-Value_1"


@pytest.fixture(autouse=True)
def _forgotten(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(known_secrets, "_known", set())
    monkeypatch.setattr(known_secrets, "_patterns", [])
    return


@pytest.mark.parametrize(
    "text",
    [
        f"http://user:{SECRET}@host:8000/v1",
        f"http://{SECRET}@host/v1",
        f"http://user:p@ss{SECRET}@host/v1",
        f"https://host/v1?key={SECRET}",
        f"https://host/v1?api-version=1&sig={SECRET},http://b/v1",
        f"https://host/v1#access_token={SECRET}",
        f"http://a/v1,http://user:{SECRET}@b/v1",
        f'{{"api_key": "{SECRET}"}}',
        f'{{"model_options": [{{"clientSecret": "{SECRET}"}}], "n": 1}}',
        f'{{"auth": {{"user": "{SECRET}", "list": ["{SECRET}"]}}}}',
        f'{{"headers": {{"Authorization": "Bearer {SECRET}"}}}}',
        f'{{"url": "http://u:{SECRET}@host/"}}',
        f'{{"api_key": "{SECRET}"',  # cut off
        f"{{api_key: {SECRET}}}",
        f"--max-model-len 10 --api-key {SECRET} --dtype auto",
        f"--api-key other-{SECRET} {SECRET}",
        f"--hf-token={SECRET}",
        f"--hf_token '{SECRET} {SECRET}'",
        f"OPENAI_API_KEY={SECRET}",
        f"authorization: Bearer {SECRET}",
        f"the header was Bearer {SECRET}",
        f"the header was Basic {base64.b64encode(SECRET.encode()).decode()}",
        f"password = '{SECRET}'",
        f'{{"headers": ["X-Api-Key: {SECRET}"]}}',
        f'{{"headers": [{{"name": "X-Api-Key", "value": "{SECRET}"}}]}}',
        f'{{"headers": [["X-Api-Key", "{SECRET}"]]}}',
        json.dumps({"metadata": json.dumps({"api_key": SECRET})}),
        f'{{"apitoken": "{SECRET}"}}',
        f'{{"creds": {{"a": ["{SECRET}"]}}}}',
        f"--header 'Authorization: Token {SECRET}'",
        f"Authorization: Digest username={SECRET}, uri=/",
        f"Set-Cookie: sid={SECRET}; Path=/",
        f"Cookie: a=1; sid={SECRET}",
        f"{{'api_key' => '{SECRET}'}}",
    ],
)
def test_a_secret_is_hidden_by_its_place_and_then_known_by_its_value(text: str) -> None:
    shown = public(text)
    assert SECRET not in shown
    assert base64.b64encode(SECRET.encode()).decode() not in shown
    assert HIDDEN in shown
    if not any(mark in text for mark in ("Basic", " '", "p@ss")):  # whose value is a longer one
        assert SECRET not in without_secrets(f"the server says: {SECRET}!")


@pytest.mark.parametrize(
    "text",
    [
        "http://host:8000/v1",
        '{"reasoning_effort": "low", "max_tokens": 5, "stop_token_ids": [1, 2]}',
        '{"max_completion_tokens":7,"chat_template_kwargs":{"enable_thinking":false}}',
        "--max-model-len 4096 --dtype auto --tokenizer-mode slow",
        "Where is the key: in the door or in the vase?".replace("key:", "door:"),
        "rows.csv",
        "extra=rows.csv",
        "keyword=x, monkey=y, author=z",
        '{"guided_choice": ["key", "lock"], "padtoken": "</s>", "x": {"name": "a", "value": 1}}',
    ],
)
def test_ordinary_settings_stay_byte_for_byte(text: str) -> None:
    assert public(text) == text
    assert public_setting(text) == text


def test_a_setting_keeps_a_hash_of_the_whole() -> None:
    first = public_setting(f'{{"api_key": "{SECRET}", "n": 1}}')
    second = public_setting(f'{{"api_key": "{SECRET}x", "n": 1}}')
    assert first.startswith('{"api_key": "***", "n": 1} (sha256 of the whole: ')
    assert first != second
    assert public_setting(["a", f"http://u:{SECRET}@h/v1"])[0] == "a"
    assert public_setting({"password": 1234, "n": 5}) == {"password": HIDDEN, "n": 5}


def test_a_command_line_has_no_secrets() -> None:
    given = ["generate", "--base-url", f"http://u:{SECRET}@h/v1", f"--api-key={SECRET}x", "--token"]
    given += [f"{SECRET}y", "--extra-body", json.dumps({"api_key": f"{SECRET}z"}), "--seeds", "1"]
    shown = public_command(given)
    assert SECRET not in " ".join(shown)
    assert shown[-2:] == ["--seeds", "1"]
    assert len(shown) == len(given)


def test_what_a_server_repeats_in_another_form_is_hidden_too() -> None:
    remember('a"b c/d\\')
    forms = [
        'a"b c/d\\',
        'a\\"b c/d\\\\',
        "a%22b%20c%2Fd%5C",
        base64.b64encode(b'a"b c/d\\').decode(),
    ]
    for form in forms:
        assert without_secrets(f"x {form} y") == "x *** y"


def test_short_and_ordinary_words_are_not_taken_for_secrets_elsewhere() -> None:
    for word in ("none", "EMPTY", "test", "water", "password"):
        remember(word)
        assert without_secrets(f"the {word} is here") == f"the {word} is here"
    assert public("http://water:none@host/v1") == "http://***@host/v1"


@pytest.mark.parametrize("name", ["SOME_API_KEY", "TOKEN", "DB_PASSWD", "MY_PRIVATE_KEY"])
def test_keys_of_the_environment_are_known(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setenv(name, SECRET)
    remember_environment()
    assert without_secrets(SECRET) == HIDDEN


def test_names_of_secrets() -> None:
    secret = (
        "api_key apiKey --hf-token X-Api-Key password client_secret Authorization Set-Cookie auth"
    )
    other = "max_tokens token_ids eos_token keyword author tokenizer monkey stop key_file passage"
    assert all(map(is_secret_name, secret.split()))
    assert not any(map(is_secret_name, other.split()))


def test_control_characters_do_not_reach_a_terminal() -> None:
    text = "a\x1b[31mred\x1b[0m\x1b]0;title\x07\x1b]8;;http://x\x1b\\link\x1b(B\x9b1mz\x00\r\b\x7f\n\té"
    assert printable(text) == "aredlink1mz\n\té"
    line = json.dumps({"a": "\x9b\x7f\x1b"}, ensure_ascii=False)
    assert json.loads(printable_json(line)) == {"a": "\x9b\x7f\x1b"}
    assert not set(printable_json(line)) & {"\x9b", "\x7f", "\x1b"}


def test_long_texts_take_no_longer_than_they_are_long() -> None:
    """Ten million characters: a search that looks back at each of them would never end."""
    for text in (
        "a" * 10**7,
        "a-" * 10**6,
        "://" * 10**5,
        "key " * 10**5,
        '"' * 10**5,
        "-" * 10**6,
    ):
        assert len(public(text)) > 0
