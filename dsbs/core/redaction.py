"""Settings, command lines and messages without secrets, which are found by their place.

They are the user part and the query of an address, a value whose name says that it is one, and what
follows `Bearer`. Their values are known from then on, and are recognized wherever they stand; see
`core.known_secrets`.
"""

import hashlib
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from urllib.parse import unquote

from dsbs.core.known_secrets import HIDDEN, remember, without_secrets

# fmt: off
_ALWAYS_SECRET = frozenset([
    "secret", "secrets", "password", "passwords", "passwd", "pwd", "passphrase", "apikey",
    "accesskey", "authkey", "accesstoken", "authtoken", "credential", "credentials",
    "authorization", "bearer", "cookie", "cookies", "signature", "cred", "creds",
    "privatekey", "secretkey",
])
"""Words of a name that make its value a secret."""
_MOSTLY_SECRET = frozenset(["key", "keys", "token", "auth", "sig", "pass", "jwt", "session"])
"""The same, unless a word of `_HARMLESS` stands in the name too: `max_token`, `token_id`."""
_HARMLESS = frozenset([
    "id", "ids", "max", "min", "stop", "eos", "bos", "pad", "unk", "at", "file", "path", "name",
    "type", "count",
])
# fmt: on
_ENDINGS = ("token", "secret", "password", "passwd", "apikey", "privatekey", "secretkey")
"""How a word ends that is several words in one: `hftoken`, but not `padtoken`."""
_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+")
_USER = re.compile(r"(?<=://)[^/?#\s\"'<>]*(?=@)")
_QUERY = re.compile(r"(://[^?#\s\"'<>]{0,4096}[?#])((?:(?!,\w+://)[^\s\"'<>])+)")
_BEARER = re.compile(r"\b(Bearer|Basic)\s+([\w.~+/=-]{8,})", re.IGNORECASE)
_NAMES = ("name", "key", "header")
"""Where a pair such as {"name": "X-Api-Key", "value": "..."} has its name."""
_QUOTED = r'"(?:[^"\\]|\\.)*"?|\'(?:[^\'\\]|\\.)*\'?'
_NAMED = re.compile(
    r"(?P<start>(?<![\w-])[\"']?(?<![\w-])(?P<name>[\w-]+)[\"']?\s*[=:]>?\s*)"
    rf"(?P<value>{_QUOTED}|(?:Bearer|Basic)\s+\S+|[^\s,;&{{}}\[\]\"']+)"
)
_HEADER = re.compile(
    r"(?P<start>\b(?P<name>(?:proxy-)?authorization|(?:set-)?cookie)[\"']?\s*[:=]\s*[\"']?)"
    r"(?P<value>[^\r\n\"']+)",
    re.IGNORECASE,
)
"""Headers whose whole line is a secret."""
_FLAG = re.compile(
    rf"(?P<start>(?<![\w-])--?(?P<name>[A-Za-z][\w-]*)\s+)(?P<value>(?:{_QUOTED}|[^\s-]\S*)"
    rf"(?:\s+(?:{_QUOTED}|[^\s-]\S*))*)"
)


def public_addresses(text: str) -> str:
    """The text without the user parts and queries of its addresses, and without known secrets."""
    if "://" in text:
        text = _USER.sub(lambda found: _hide_user(found[0]), text)
        text = _QUERY.sub(lambda found: found[1] + _hide_query(found[2]), text)
    text = _BEARER.sub(lambda found: f"{found[1]} {_hide(found[2])}", text)
    return without_secrets(text)


def public(text: str) -> str:
    """The text without all that its place makes a secret. What is found is remembered.

    For settings, command lines and messages of servers. JSON stays JSON.
    """
    if text.lstrip()[:1] in ("{", "["):
        try:
            values = json.loads(text)
        except (ValueError, RecursionError):
            pass
        else:
            shown = _public_values(values, secret=False)
            return text if shown == values else json.dumps(shown, ensure_ascii=False)
    text = public_addresses(text)
    text = _HEADER.sub(_hide_value, text)
    text = _FLAG.sub(_hide_value, text)
    return _NAMED.sub(_hide_value, text)


def public_setting(value: Any) -> Any:
    """A setting as a manifest keeps it: where something is hidden, with a hash of the whole."""
    if isinstance(value, str):
        shown = public(value)
        whole = hashlib.sha256(value.encode(errors="replace")).hexdigest()[:16]
        return value if shown == value else f"{shown} (sha256 of the whole: {whole})"
    if isinstance(value, Mapping):
        return {
            name: _public_values(one, secret=True)
            if is_secret_name(str(name))
            else public_setting(one)
            for name, one in value.items()
        }
    if isinstance(value, list | tuple):
        return [public_setting(one) for one in value]
    return value


def public_command(arguments: Iterable[str]) -> list[str]:
    """A command line without secrets."""
    shown = []
    hidden = False
    for argument in arguments:
        if argument.startswith("-"):
            name, equals, value = argument.partition("=")
            hidden = is_secret_name(name)
            whole = f"{name}={_hide(value)}" if hidden and equals else public_argument(argument)
            shown.append(whole)
        else:
            shown.append(_hide(argument) if hidden else public_argument(argument))
    return shown


def public_argument(argument: str) -> str:
    """One argument; of `--name=value` the value by itself, which may be JSON."""
    name, equals, value = argument.partition("=")
    if equals and name.startswith("--"):
        return f"{name}={public(value)}"
    return public(argument)


def is_secret_name(name: str) -> bool:
    """Whether a name says that its value is a secret: api_key, --hf-token, clientSecret.

    >>> [is_secret_name(name) for name in ("api_key", "accessToken", "max_tokens", "keyword")]
    [True, True, False, False]
    """
    words = {word.lower() for word in _WORD.findall(name)}
    if words & _ALWAYS_SECRET or any(map(_is_joined_secret, words)):
        return True
    return bool(words & _MOSTLY_SECRET) and not words & _HARMLESS


def _is_header(name: str) -> bool:
    """Whether a text is the name of a secret header, and not one word of a list of words."""
    return is_secret_name(name) and (not name.isalpha() or name.lower() in _ALWAYS_SECRET)


def _is_joined_secret(word: str) -> bool:
    ending = next((end for end in _ENDINGS if word.endswith(end) and word != end), None)
    return ending is not None and word.removesuffix(ending) not in _HARMLESS


def _public_values(value: Any, *, secret: bool) -> Any:
    """JSON values of which those with a secret's name, and all below them, are hidden."""
    if isinstance(value, Mapping):
        pair = any(isinstance(value.get(at), str) and is_secret_name(value[at]) for at in _NAMES)
        return {
            name: _public_values(
                one, secret=secret or is_secret_name(str(name)) or (pair and name == "value")
            )
            for name, one in value.items()
        }
    if isinstance(value, list | tuple):
        pair = len(value) == 2 and isinstance(value[0], str) and _is_header(value[0])
        return [
            _public_values(one, secret=secret or (pair and at > 0)) for at, one in enumerate(value)
        ]
    if value is None or isinstance(value, bool):
        return value
    if secret:
        return _hide(str(value))
    return public(value) if isinstance(value, str) else value


def _hide(value: str) -> str:
    scheme, _, rest = value.partition(" ")
    if scheme.lower() in ("bearer", "basic") and rest:
        remember(rest.strip())
    remember(value)
    return HIDDEN


def _hide_user(user: str) -> str:
    """Of `name:password`; the name may be a token."""
    for part in (user, *user.split(":")):
        remember(unquote(part))
    return HIDDEN


def _hide_query(query: str) -> str:
    """Of `key=...&api-version=...`. A value with a harmless name is an ordinary text elsewhere."""
    for pair in query.split("&"):
        name, _, value = pair.partition("=")
        if is_secret_name(name):
            remember(unquote(value))
    if "=" in query:
        remember(query)
    return HIDDEN


def _hide_value(found: re.Match[str]) -> str:
    if not is_secret_name(found["name"]):
        return found[0]
    value = found["value"]
    for part in _parts(value):
        _hide(part)
    mark = value[0] if value[0] in "\"'" else ""
    return f"{found['start']}{mark}{HIDDEN}{mark}"


def _parts(value: str) -> Sequence[str]:
    """The values of a flag or header that has several, without their quotes."""
    found = re.findall(rf"{_QUOTED}|\S+", value)
    named = [one.partition("=")[2].rstrip(";,") for one in found if "=" in one]
    return [value, *(one.strip("\"'") for one in found), *named]
