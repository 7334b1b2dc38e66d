"""Secrets that are known by their value, and control characters: kept out of what leaves here.

`core.redaction` finds secrets by their place, and remembers them here.
"""

import base64
import json
import os
import re
from urllib.parse import quote, unquote

HIDDEN = "***"
"""What stands in the place of a secret."""

_PLACEHOLDERS = frozenset(
    ["password", "passwords", "changeme", "placeholder", "not-needed", "sk-no-key-required"]
)
"""Keys that servers without keys are given. As values they are words like any other."""

_CONTROL = re.compile(
    r"\x1b\[[0-?]*[ -/]*[@-~]"  # colors, cursor
    r"|\x1b[\]PX^_][^\x07\x1b]*(?:\x07|\x1b\\)?"  # titles, links
    r"|\x1b[ -/]*[0-~]?"
    r"|[\x00-\x08\x0b-\x1f\x7f-\x9f]"
)

_known: set[str] = set()
_patterns: list[re.Pattern[str]] = []
"""At most one: what finds the known values."""


def remember(value: str) -> None:
    """Recognize a secret from now on, as it is and in the forms in which servers repeat it.

    Short values and single words are not remembered: they also stand in ordinary texts.
    """
    unusual = any(not char.isalpha() for char in value)
    if len(value) < (6 if unusual else 12) or value.lower() in _PLACEHOLDERS:
        return
    in_base64 = base64.b64encode(value.encode(errors="replace")).decode()
    forms = {value, quote(value, safe=""), unquote(value), in_base64, json.dumps(value)[1:-1]}
    if not forms <= _known:
        _known.update(forms)
        longest_first = sorted(_known, key=len, reverse=True)
        _patterns[:] = [re.compile("|".join(map(re.escape, longest_first)))]


def remember_environment() -> None:
    """Recognize the keys that the environment holds, by the names of its variables."""
    endings = ("_API_KEY", "_APIKEY", "_TOKEN", "_SECRET", "_PASSWORD", "_PASSWD", "_PASSPHRASE")
    keys = ("_ACCESS_KEY", "_AUTH_KEY", "_PRIVATE_KEY", "_SECRET_KEY")
    for name, value in os.environ.items():
        if f"_{name.upper()}".endswith(endings + keys):
            remember(value)


def without_secrets(text: str) -> str:
    """The text without secrets whose value is known. Everything else stays as it is."""
    for pattern in _patterns:
        text = pattern.sub(HIDDEN, text)
    return text


def printable(text: str) -> str:
    """The text as it may reach a terminal: no known secret, and of control characters only line
    breaks and tabs.
    """
    return without_secrets(_CONTROL.sub("", text))


def printable_json(text: str) -> str:
    """The same for a text that is JSON: control characters stay, escaped as JSON does it."""
    return re.sub(r"[\x7f-\x9f]", lambda found: f"\\u{ord(found[0]):04x}", without_secrets(text))
