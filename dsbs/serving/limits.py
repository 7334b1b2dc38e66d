"""What is refused before anything is read: calls without the key, and bodies that are too large."""

import hmac
import json
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

BODY = "dsbs.body"
"""Where a call's scope has the whole body."""
OPEN = ("/health",)
"""Routes that need no key: what watches a server has none."""


def error_body(message: str, kind: str, *, parameter: str | None = None) -> dict[str, Any]:
    """An error in OpenAI's form, which its clients show."""
    return {"error": {"message": message, "type": kind, "param": parameter, "code": None}}


class Guard:
    """Wraps an application. It reads a body for it, and never more of it than is allowed."""

    def __init__(self, app: App, *, body_bytes: int, key: str) -> None:
        self._app = app
        self._most = body_bytes
        self._key = key

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one call."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        if self._key and scope["path"] not in OPEN and not self._has_key(scope):
            await _refuse(send, 401, "no valid API key", "authentication_error")
            return
        body = await self._body(scope, receive)
        if body is None:
            text = f"the body has more than {self._most:,} bytes"
            await _refuse(send, 413, text, "invalid_request_error")
            return
        scope[BODY] = body
        await self._app(scope, receive, send)

    def _has_key(self, scope: Scope) -> bool:
        given = dict(scope["headers"]).get(b"authorization", b"")
        return hmac.compare_digest(given, f"Bearer {self._key}".encode())

    async def _body(self, scope: Scope, receive: Receive) -> bytes | None:
        """The whole body; None where it is too large."""
        stated = dict(scope["headers"]).get(b"content-length", b"")
        if stated.isdigit() and int(stated) > self._most:
            return None
        parts: list[bytes] = []
        size = 0
        while True:
            message = await receive()
            if message["type"] != "http.request":
                return b"".join(parts)
            parts.append(message.get("body", b""))
            size += len(parts[-1])
            if size > self._most:
                return None
            if not message.get("more_body", False):
                return b"".join(parts)


async def _refuse(send: Send, status: int, message: str, kind: str) -> None:
    content = json.dumps(error_body(message, kind)).encode()
    headers = [
        (b"content-type", b"application/json"),
        (b"content-length", str(len(content)).encode()),
        (b"connection", b"close"),
    ]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": content})
