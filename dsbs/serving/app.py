"""The routes of the server."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from fastapi import APIRouter, FastAPI, Request, Response
from fastapi.responses import JSONResponse, PlainTextResponse, StreamingResponse

from dsbs.core.errors import InputError
from dsbs.core.records import Example
from dsbs.core.version import __version__
from dsbs.serving.batcher import Batcher, Overloaded
from dsbs.serving.bodies import Health, Labeled, PredictBody, PredictReply
from dsbs.serving.call_log import CallLog
from dsbs.serving.chat import BadCall, ChatBody, completion, fields_of, message_of, stream
from dsbs.serving.json_route import JsonRoute
from dsbs.serving.limits import error_body
from dsbs.serving.metrics import CONTENT_TYPE, Metrics
from dsbs.serving.routing import Reply, Router, TeacherMissing
from dsbs.serving.rows import RowReader
from dsbs.serving.teacher_desk import TeacherDesk

_INPUT_ERROR = "invalid_request_error"
_SERVER_ERROR = "server_error"


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
        self, route: str, examples: Sequence[Example], *, explain: bool, scores: bool
    ) -> list[Reply]:
        """One reply per example; the call is written down."""
        started = time.perf_counter()
        async with asyncio.timeout(self.seconds):
            replies = await self.router.answer(examples, explain=explain, scores=scores)
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


def make_app(service: Service) -> FastAPI:
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

    app = FastAPI(
        title=f"dsbs: {service.task}",
        version=__version__,
        lifespan=life,
        routes=_calls(service).routes,  # before all others: the first that fits is taken
    )
    _add_routes(app, service)
    _add_errors(app, service)
    return app


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
                "/v1/chat/completions", [example], explain=False, scores=bool(body.logprobs)
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
        status = str(_status_of(error))
        raise
    finally:
        service.metrics.calls(route, status).inc()
        service.metrics.seconds(route).observe(time.perf_counter() - started)


def _status_of(error: BaseException) -> int:
    if isinstance(error, BadCall):
        return error.status
    if isinstance(error, InputError):
        return 400
    return 503 if isinstance(error, Overloaded | TeacherMissing | TimeoutError) else 500


def _add_errors(app: FastAPI, service: Service) -> None:
    def respond(error: Exception, text: str, kind: str, retry_after: int = 0) -> Response:
        headers = {"retry-after": str(retry_after)} if retry_after else {}
        parameter = error.parameter if isinstance(error, BadCall) else None
        body = error_body(text, kind, parameter=parameter)
        return JSONResponse(body, status_code=_status_of(error), headers=headers)

    @app.exception_handler(BadCall)
    @app.exception_handler(InputError)
    async def bad(request: Request, error: Exception) -> Response:
        return respond(error, str(error), _INPUT_ERROR)

    @app.exception_handler(Overloaded)
    async def overloaded(request: Request, error: Overloaded) -> Response:
        return respond(error, str(error), _SERVER_ERROR, error.retry_after)

    @app.exception_handler(TeacherMissing)
    async def missing(request: Request, error: TeacherMissing) -> Response:
        text = f"this call is the teacher's to answer, and it gives no answer: {error}"
        return respond(error, text, _SERVER_ERROR, 1)

    @app.exception_handler(TimeoutError)
    async def late(request: Request, error: TimeoutError) -> Response:
        return respond(error, f"no answer within {service.seconds:g} s", _SERVER_ERROR, 1)
