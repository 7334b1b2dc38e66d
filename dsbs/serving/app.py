"""The routes of the server."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from fastapi import APIRouter, FastAPI, Response
from fastapi.responses import JSONResponse, PlainTextResponse, StreamingResponse

from dsbs.core.records import Example
from dsbs.core.version import __version__
from dsbs.serving.batcher import Batcher
from dsbs.serving.bodies import Health, Labeled, PredictBody, PredictReply
from dsbs.serving.call_log import CallLog
from dsbs.serving.chat import ChatBody, completion, fields_of, message_of, stream
from dsbs.serving.json_route import JsonRoute
from dsbs.serving.limits import App, Receive, Scope, Send
from dsbs.serving.metrics import CONTENT_TYPE, Metrics
from dsbs.serving.refusals import status_of
from dsbs.serving.replies import Reply
from dsbs.serving.routing import Router
from dsbs.serving.rows import RowReader
from dsbs.serving.teacher_desk import TeacherDesk


@dataclass(frozen=True)
class Service:
    """All parts of a server."""

    router: Router
    batcher: Batcher
    reader: RowReader
    desk: TeacherDesk | None
    log: CallLog
    metrics: Metrics
    run: str
    task: str
    runtime: str
    identity: str
    """A hash that changes with everything that decides answers."""
    has_contract: bool
    seconds: float
    """Most seconds until a call is answered."""

    async def answer(
        self,
        route: str,
        examples: Sequence[Example],
        *,
        explain: bool = False,
        scores: bool,
        tokens: bool = False,
    ) -> list[Reply]:
        """One reply per example; the call is written down."""
        started = time.perf_counter()
        try:
            async with asyncio.timeout(self.seconds):
                replies = await self.router.answer(
                    examples, explain=explain, scores=scores, tokens=tokens
                )
        except TimeoutError:
            raise TimeoutError(f"no answer within {self.seconds:g} s") from None
        inputs = [example.input for example in examples] if self.log.inputs else None
        self.log.write(
            "call",
            {
                "route": route,
                "ids": [example.id for example in examples],
                "labels": [reply.label for reply in replies],
                "sources": [reply.source for reply in replies],
                "marked": sum(bool(reply.marked) for reply in replies),
                "ms": round(1000 * (time.perf_counter() - started), 2),
                **({"inputs": list(inputs)} if inputs is not None else {}),
            },
        )
        return replies

    def health(self) -> Health:
        """What the server is doing."""
        contract = "withdrawn" if self.router.withdrawn else "holds"
        teacher = "none" if self.desk is None else "down" if self.desk.is_down else "up"
        return Health(
            run=self.run,
            task=self.task,
            runtime=self.runtime,
            contract=contract if self.has_contract else "none",
            teacher=teacher,
        )


def make_app(service: Service) -> App:
    """The application. Its description for people and programs is at /docs and /openapi.json."""

    @contextlib.asynccontextmanager
    async def life(app: FastAPI) -> AsyncIterator[None]:
        if service.desk is not None:
            service.desk.start()
        yield
        await service.router.close()
        service.batcher.close()
        if service.desk is not None:
            service.desk.close()
        service.log.close()

    title = f"dsbs: {service.task}"
    calls = _calls(service).routes
    app = FastAPI(title=title, version=__version__, lifespan=life, routes=calls)
    _add_routes(app, service)
    return _quick(app, {route.path: route.app for route in calls if isinstance(route, JsonRoute)})


def _quick(app: App, calls: Mapping[str, App]) -> App:
    """The application, whose routes for calls are found before its own machinery starts."""

    async def serve(scope: Scope, receive: Receive, send: Send) -> None:
        call = calls.get(scope["path"]) if scope.get("method") == "POST" else None
        await (call or app)(scope, receive, send)

    return serve


def _calls(service: Service) -> APIRouter:
    """The routes that label."""
    calls = APIRouter(route_class=JsonRoute)

    @calls.post("/predict", response_model=PredictReply, response_model_exclude_defaults=False)
    async def predict(body: PredictBody) -> Response:
        """Label rows."""
        with _counted(service, "/predict"):
            rows = service.reader.rows(body.rows)
            replies = await service.answer(
                "/predict",
                [row.example for row in rows],
                explain=body.explain,
                scores=body.probabilities,
            )
            pairs = zip(rows, replies, strict=True)
            found = [_labeled(row.id, reply, body) for row, reply in pairs]
            text = PredictReply(rows=found).model_dump_json()
            return Response(text, media_type="application/json")

    @calls.post("/v1/chat/completions")
    async def chat(body: ChatBody) -> Response:
        """Label the last message of a chat, in the form of OpenAI's interface."""
        with _counted(service, "/v1/chat/completions"):
            text = message_of(body)
            example = service.reader.message(text, fields_of(text))
            (reply,) = await service.answer(
                "/v1/chat/completions",
                [example],
                scores=bool(body.logprobs),
                tokens=body.wants_usage,
            )
            headers: dict[str, str] = {"x-dsbs-source": reply.source}
            if reply.marked:
                headers["x-dsbs-marked"] = reply.marked.encode("ascii", "replace").decode()[:200]
            names = {"model": body.model or service.run, "identity": service.identity}
            if body.stream:
                events = stream(body, reply, **names)
                return StreamingResponse(events, headers=headers, media_type="text/event-stream")
            return JSONResponse(completion(body, reply, **names), headers=headers)

    return calls


def _add_routes(app: FastAPI, service: Service) -> None:
    @app.get("/v1/models")
    async def models() -> dict[str, Any]:
        """The one model that there is."""
        model = {"id": service.run, "object": "model", "created": 0, "owned_by": "dsbs"}
        return {"object": "list", "data": [model]}

    @app.get("/health")
    async def health() -> Health:
        """Whether the server answers, and how."""
        return service.health()

    @app.get("/metrics")
    async def metrics() -> Response:
        """Counts for Prometheus."""
        service.metrics.waiting.set(service.batcher.waiting)
        return PlainTextResponse(service.metrics.text(), media_type=CONTENT_TYPE)


def _labeled(identity: str | int | float, reply: Reply, body: PredictBody) -> Labeled:
    return Labeled(
        id=identity,
        label=reply.label,
        source=reply.source,
        probabilities=reply.probabilities if body.probabilities else None,
        rationale=reply.rationale if body.explain else None,
        marked=reply.marked,
    )


@contextlib.contextmanager
def _counted(service: Service, route: str) -> Iterator[None]:
    started = time.perf_counter()
    status = "200"
    try:
        yield
    except BaseException as error:
        status = str(status_of(error))
        raise
    finally:
        service.metrics.calls(route, status).inc()
        service.metrics.seconds(route).observe(time.perf_counter() - started)
