"""A server on loopback that answers as a test says, in this process, and keeps what it was sent."""

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

Reply = tuple[int, Any]
"""Status, and an object that is sent as JSON, or bytes that are sent as HTML."""

TEXT = " It has fur. So it is a mammal."


class Scripted:
    """A running server. `answer` gets every request to /completions and /chat/completions."""

    def __init__(self, answer: Callable[[dict[str, Any]], Reply]) -> None:
        self.requests: list[dict[str, Any]] = []
        self.headers: list[dict[str, str]] = []
        """Of every request, in lower case."""
        self.paths: list[str] = []
        scripted = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *unused: object) -> None:
                return None

            def do_GET(self) -> None:
                self.note()
                self.reply(404, {"error": {"message": "no list of models"}})

            def do_POST(self) -> None:
                self.note()
                body = json.loads(self.rfile.read(int(self.headers["content-length"])))
                if self.path.partition("?")[0].endswith("completions"):
                    scripted.requests.append(body)
                    self.reply(*answer(body))
                else:
                    self.reply(404, {"error": {"message": "no such path"}})

            def note(self) -> None:
                scripted.paths.append(self.path)
                scripted.headers.append({name.lower(): v for name, v in self.headers.items()})

            def reply(self, status: int, content: Any) -> None:
                plain = isinstance(content, bytes)
                sent = content if plain else json.dumps(content).encode()
                self.send_response(status)
                self.send_header("content-type", "text/html" if plain else "application/json")
                self.send_header("content-length", str(len(sent)))
                self.end_headers()
                self.wfile.write(sent)

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/v1"


@contextmanager
def scripted(answer: Callable[[dict[str, Any]], Reply]) -> Iterator[Scripted]:
    """A server for the time of a `with` block."""
    made = Scripted(answer)
    threading.Thread(target=made.server.serve_forever, daemon=True).start()
    try:
        yield made
    finally:
        made.server.shutdown()
        made.server.server_close()


def prompts_of(body: dict[str, Any]) -> list[str]:
    """The texts of a request."""
    if "messages" in body:
        return [body["messages"][-1]["content"]]
    return [body["prompt"]] if isinstance(body["prompt"], str) else list(body["prompt"])


def texts(body: dict[str, Any], *, text: Any = TEXT, **choice: Any) -> Reply:
    """An ordinary reply to a completions request."""
    return 200, {
        "choices": [
            {"index": at, "text": text, "finish_reason": "stop"} | choice
            for at, _ in enumerate(prompts_of(body))
        ],
        "usage": {"prompt_tokens": 10, "completion_tokens": 5},
    }


def message(content: Any, finish_reason: str | None = "stop", **fields: Any) -> Reply:
    """A reply to a chat."""
    said = {"role": "assistant", "content": content} | fields
    return 200, {"choices": [{"index": 0, "message": said, "finish_reason": finish_reason}]}


def error(status: int, text: str, **fields: Any) -> Reply:
    """An error in OpenAI's form."""
    return status, {"error": {"message": text} | fields}
