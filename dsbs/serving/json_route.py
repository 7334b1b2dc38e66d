"""A route whose handler takes a JSON body."""

import json
from collections.abc import Callable
from typing import Any, TypeVar, get_type_hints

from fastapi.routing import APIRoute
from pydantic import BaseModel, ValidationError
from starlette.datastructures import Headers
from starlette.responses import Response

from dsbs.serving.chat import BadCall
from dsbs.serving.limits import BODY, Receive, Scope, Send
from dsbs.serving.refusals import refusal

_Body = TypeVar("_Body", bound=BaseModel)


class JsonRoute(APIRoute):
    """A route whose handler has one argument, `body`, and returns a response.

    FastAPI describes it as any other. It does not call it: its own way to a handler also finds
    forms, files and dependencies, which takes as long as a quick student.
    """

    def __init__(self, path: str, endpoint: Callable[..., Any], **options: Any) -> None:
        super().__init__(path, endpoint, **options)
        self._body = get_type_hints(endpoint)["body"]
        self.app = self._serve

    async def _serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            check_type(Headers(scope=scope).get("content-type", ""))
            response: Response = await self.endpoint(body_of(self._body, scope[BODY]))
        except Exception as error:
            response = refusal(error)
        await response(scope, receive, send)


def check_type(stated: str) -> None:
    """Raise BadCall unless a body is said to be JSON: a page of another site cannot say so."""
    kind = stated.partition(";")[0].strip().lower()
    if kind != "application/json" and not (
        kind.startswith("application/") and kind.endswith("+json")
    ):
        raise BadCall("content-type: it must be application/json", parameter="content-type")


def body_of(model: type[_Body], content: bytes) -> _Body:
    """A body as the model has it. Raises BadCall for any other."""
    try:
        return model.model_validate(json.loads(content))
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(map(str, first["loc"])) or "body"
        raise BadCall(f"{where}: {first['msg']}", parameter=where) from None
    except (ValueError, RecursionError) as error:
        raise BadCall(f"body: it is no JSON: {error}", parameter="body") from None
