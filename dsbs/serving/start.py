"""From settings to a server that listens."""

import os
import socket
from functools import partial
from pathlib import Path
from typing import NamedTuple

import uvicorn

from dsbs.artifacts.run_folder import SERVER_LOG
from dsbs.artifacts.student_card import StudentCard, checkpoint_of, read_card
from dsbs.config.serve import ServeConfig
from dsbs.contracts.contract import contract_file, own_contract
from dsbs.contracts.identity import identity_of
from dsbs.core.errors import InputError
from dsbs.core.hashing import short_hash
from dsbs.core.known_secrets import remember
from dsbs.core.progress import say
from dsbs.evaluation.run import default_out
from dsbs.runtimes.loaded import LoadedStudent, load
from dsbs.serving.app import Service, make_app
from dsbs.serving.audit_file import AuditFile
from dsbs.serving.batcher import Batcher
from dsbs.serving.call_log import CallLog
from dsbs.serving.limits import App, Guard
from dsbs.serving.metrics import Metrics
from dsbs.serving.routing import Promise, Router
from dsbs.serving.rows import RowReader
from dsbs.serving.settings import Batching, Limits, TeacherUse
from dsbs.serving.teacher import plan_of
from dsbs.serving.teacher_desk import TeacherDesk

KEY = "DSBS_SERVE_KEY"
"""Variable of the environment with the key that callers send."""
LOG = "calls.jsonl"
STORE = "answers.sqlite"
_WAITING_CONNECTIONS = 2048


class Place(NamedTuple):
    """Where a server listens."""

    socket: socket.socket
    address: str


def check_flags(config: ServeConfig) -> None:
    """InputError for flags that do not go together."""
    needs_teacher = {"--shadow": config.shadow, "--audit": bool(config.audit)}
    for flag, given in needs_teacher.items():
        if given and config.teacher_url is None:
            raise InputError(
                flag, got="no teacher", expected="--teacher-url", fix="name the teacher's address"
            )
    if config.audit and config.contract is None:
        fix = "name one with --contract"
        raise InputError("--audit", got="no contract", expected="a contract to audit", fix=fix)
    if config.teacher_url and config.contract is None and not config.shadow:
        raise InputError(
            "--teacher-url",
            got="neither --contract nor --shadow",
            expected="calls that are the teacher's to answer",
            fix="name a contract, or use --shadow",
        )


def application(config: ServeConfig, student: LoadedStudent | None = None) -> App:
    """The server as an ASGI application.

    Args:
        config: The settings.
        student: The student, where it is loaded already. Default: that of the settings.

    Raises:
        InputError: There is no student, or the contract is another student's.
    """
    checkpoint = checkpoint_of(config.run)
    card = read_card(checkpoint)
    promise = _promise(config, checkpoint)
    student = student or load(config.run, batch_size=config.batch_size, threads=config.threads)
    out = config.out or default_out(checkpoint, "serve")
    metrics = Metrics()
    log = CallLog(out / LOG, inputs=config.log_inputs)
    limits = _limits(config, card)
    batching = Batching(config.batch_size, config.batch_wait_ms / 1000)
    batcher = Batcher(
        student,
        batching,
        waiting_rows=limits.waiting_rows,
        on_batch=lambda rows: metrics.batches.observe(rows),
    )
    desk = _desk(config, card, checkpoint, out)
    use = TeacherUse(config.teacher_timeout, config.teacher_down, config.shadow, config.audit)
    router = Router(card.task, batcher, use, promise=promise, desk=desk, log=log, metrics=metrics)
    identity = identity_of(checkpoint)
    service = Service(
        router=router,
        batcher=batcher,
        reader=RowReader(student, limits),
        desk=desk,
        log=log,
        metrics=metrics,
        run=config.run.name,
        task=card.task.name,
        runtime=identity.runtime,
        identity=short_hash(identity.model_dump_json()),
        has_contract=promise is not None,
        seconds=limits.seconds,
    )
    return Guard(make_app(service), body_bytes=limits.body_bytes, key=_key(config))


def listen(host: str, port: int) -> Place:
    """A socket that listens. InputError where that is not possible."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    found = socket.socket(family, socket.SOCK_STREAM)
    try:
        found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        found.bind((host, port))
        found.listen(_WAITING_CONNECTIONS)
    except OSError as error:
        found.close()
        fix = "name another --port or --host"
        raise InputError(
            f"--host {host} --port {port}", got=error, expected="a free address", fix=fix
        ) from None
    shown = f"[{host}]" if ":" in host else host
    return Place(found, f"http://{shown}:{found.getsockname()[1]}")


def run(app: App, place: Place) -> None:
    """Serve until a signal ends it; calls in flight are answered first."""
    config = uvicorn.Config(app, log_level="warning", access_log=False, timeout_keep_alive=75)
    uvicorn.Server(config).run(sockets=[place.socket])


def _promise(config: ServeConfig, checkpoint: Path) -> Promise | None:
    contract = own_contract(config.contract, checkpoint, config.run)
    if contract is None or config.contract is None:
        return None
    audit = AuditFile(contract_file(config.contract), contract.budget)
    if config.audit:
        audit.check_writable()
    if audit.withdrawn:
        say(
            f"the contract was withdrawn ({audit.path}): every call goes to the teacher; make a "
            f"new one: {contract.command(config.run)}"
        )
    return Promise(contract, audit)


def _desk(
    config: ServeConfig, card: StudentCard, checkpoint: Path, out: Path
) -> TeacherDesk | None:
    if config.teacher_url is None:
        return None
    plan = plan_of(card, checkpoint, config.teacher_url, config.teacher)
    opened = partial(plan.open, out / SERVER_LOG)
    return TeacherDesk(opened, card.task, plan.style, store=config.store or out / STORE, run=out)


def _limits(config: ServeConfig, card: StudentCard) -> Limits:
    return Limits(
        body_bytes=config.max_body,
        rows=config.max_rows,
        tokens=config.max_tokens or card.max_input_tokens,
        seconds=config.timeout,
        waiting_rows=config.max_waiting,
    )


def _key(config: ServeConfig) -> str:
    key = os.environ.get(KEY, "").strip()
    if key:
        remember(key)
    elif config.host not in ("127.0.0.1", "localhost", "::1"):
        say(f"anybody who reaches {config.host} may call: set {KEY} to ask for a key")
    return key
