"""An OpenAI-compatible server on loopback that answers at once, or badly: what a network and a
provider do to a run.

    python tests/support/loopback.py --port 0 --log seen.txt --delay 0.01 --faults 0.2

Prints its port. Every prompt it receives is written to the log, as the hash of its text, before
anything is answered.
"""

import argparse
import asyncio
import hashlib
import json
import os
import random
from typing import Any

FAULTS = ("429", "500", "503", "close", "truncated", "hang", "empty", "overlong")
UNSURE = "unsure"
"""An answer without a label."""
ECHO = "echo"
"""A fault on request: the prompt stands before the answer."""
TRACE = "Does it lay eggs?\n\nIf so: It swims. So it is a fish. No."
REASONING = {"inline": f"<think>{TRACE}</think>\n", "unopened": f"{TRACE}</think>\n", "apart": ""}
ANSWERS = (" It has feathers. So it is a bird.", " It has fur. So it is a mammal.")


class Loopback:
    def __init__(self, options: argparse.Namespace) -> None:
        self.options, self.rng = options, random.Random(options.seed)
        self.log = (
            os.open(options.log, os.O_CREAT | os.O_APPEND | os.O_WRONLY) if options.log else None
        )
        self.rows = 0

    async def serve(self) -> None:
        server = await asyncio.start_server(
            self.connection, "127.0.0.1", self.options.port, limit=1 << 26
        )
        print(server.sockets[0].getsockname()[1], flush=True)
        await server.serve_forever()

    async def connection(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while request := await self.request(reader):
                if not await self.respond(writer, *request):
                    break
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    async def request(
        self, reader: asyncio.StreamReader
    ) -> tuple[str, dict[str, str], dict[str, Any]] | None:
        try:
            head = await reader.readuntil(b"\r\n\r\n")
        except asyncio.IncompleteReadError:
            return None
        first, *lines = head.decode().split("\r\n")
        headers = {
            name.lower(): value for name, _, value in (line.partition(": ") for line in lines)
        }
        body = await reader.readexactly(int(headers.get("content-length", 0)))
        return first.split()[1], headers, json.loads(body) if body else {}

    async def respond(
        self, writer: asyncio.StreamWriter, path: str, headers: dict[str, str], body: dict[str, Any]
    ) -> bool:
        if self.options.key and headers.get("authorization") != f"Bearer {self.options.key}":
            return await self.send(writer, 401, {"error": {"message": "no such key"}})
        if path.endswith("/models"):
            return await self.send(
                writer, 200, {"object": "list", "data": [{"id": "model", "object": "model"}]}
            )
        if not path.endswith("/completions"):
            return await self.send(writer, 404, {"error": {"message": "no such path"}})
        texts = [body["messages"][-1]["content"]] if "messages" in body else body["prompt"]
        texts = [texts] if isinstance(texts, str) else texts
        if path.endswith("/chat/completions") and not self.options.chat:
            return await self.send(writer, 400, {"error": {"message": "no chat template"}})
        if self.log is not None:
            seen = "".join(hashlib.sha256(text.encode()).hexdigest() + "\n" for text in texts)
            os.write(self.log, seen.encode())
        if any(len(text) > self.options.context for text in texts):
            return await self.send(
                writer,
                400,
                {"error": {"message": "this model's maximum context length is exceeded"}},
            )
        if self.options.delay:
            await asyncio.sleep(self.options.delay)
        fault = (
            self.rng.choice(self.options.fault or FAULTS)
            if self.rng.random() < self.options.faults
            else ""
        )
        return await self.answer(writer, texts, body, fault)

    async def answer(
        self, writer: asyncio.StreamWriter, texts: list[str], body: dict[str, Any], fault: str
    ) -> bool:
        if fault in ("429", "500", "503"):
            return await self.send(
                writer, int(fault), {"error": {"message": "not now"}}, retry_after="0.05"
            )
        if fault == "close":
            return False
        if fault == "hang":
            await asyncio.sleep(30)
            return False
        self.rows += len(texts)
        said = [ANSWERS[len(text) % 2] for text in texts]
        said = [REASONING.get(self.options.reasoning, "") + text for text in said]
        for stop in body.get("stop") or ():
            said = [text.partition(stop)[0] for text in said]
        said = (
            [""] * len(said)
            if fault == "empty"
            else [s + " and so on" * 3000 for s in said]
            if fault == "overlong"
            else [" Nobody knows."] * len(said)
            if fault == UNSURE
            else said
        )
        if fault == ECHO:
            said = [text + answer for text, answer in zip(texts, said, strict=True)]
        chat, trace = (
            "messages" in body,
            {"reasoning_content": TRACE} if self.options.reasoning == "apart" else {},
        )
        usage = {
            "prompt_tokens": 100 * len(texts),
            "completion_tokens": 10 * len(texts),
            "total_tokens": 110 * len(texts),
        }
        choices = [
            {"index": n, "finish_reason": "stop", "logprobs": None}
            | ({"message": {"role": "assistant", "content": s, **trace}} if chat else {"text": s})
            for n, s in enumerate(said)
        ]
        kind = "chat.completion" if chat else "text_completion"
        found = {
            "id": "x",
            "object": kind,
            "created": 0,
            "model": "model",
            "choices": choices,
            "usage": usage,
        }
        return await self.send(writer, 200, found, truncated=fault == "truncated")

    async def send(
        self,
        writer: asyncio.StreamWriter,
        status: int,
        body: Any,
        *,
        retry_after: str = "",
        truncated: bool = False,
    ) -> bool:
        content = json.dumps(body).encode()
        content = content[: len(content) // 2] if truncated else content
        wait = f"retry-after: {retry_after}\r\n" if retry_after else ""
        head = f"HTTP/1.1 {status} X\r\ncontent-type: application/json\r\n{wait}content-length: {len(content)}\r\n\r\n"
        writer.write(head.encode() + content)
        await writer.drain()
        return True


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--log", default="")
    parser.add_argument("--delay", type=float, default=0.0)
    parser.add_argument("--faults", type=float, default=0.0)
    parser.add_argument("--fault", choices=(*FAULTS, ECHO, UNSURE), nargs="+")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--key", default="")
    parser.add_argument("--chat", action="store_true")
    parser.add_argument("--reasoning", choices=["", *REASONING], default="")
    parser.add_argument("--context", type=int, default=10**9)
    asyncio.run(Loopback(parser.parse_args()).serve())


if __name__ == "__main__":
    main()
