"""Who answers a row: the student, its teacher, or both."""

import asyncio
import random
from collections.abc import Sequence
from dataclasses import dataclass

from dsbs.contracts.contract import Contract
from dsbs.core.progress import say
from dsbs.core.records import Example, Prediction
from dsbs.serving.audit_file import AuditFile
from dsbs.serving.batcher import Batcher, Wanted
from dsbs.serving.call_log import CallLog
from dsbs.serving.metrics import Metrics
from dsbs.serving.replies import Reply, TeacherMissing
from dsbs.serving.settings import TeacherUse
from dsbs.serving.teacher_desk import Given, NoAnswer, TeacherDesk, Unusable
from dsbs.tasks.labels import same_label
from dsbs.tasks.task import Task

_AUDIT_S = 60.0
"""Seconds that an audit waits for the teacher: no caller waits for it."""


@dataclass(frozen=True)
class Promise:
    """The contract of a server, and its audit."""

    contract: Contract
    audit: AuditFile


class Router:
    """Answers rows. With a contract, those that it leaves to the teacher go there."""

    def __init__(
        self,
        task: Task,
        batcher: Batcher,
        use: TeacherUse,
        *,
        promise: Promise | None,
        desk: TeacherDesk | None,
        log: CallLog,
        metrics: Metrics,
    ) -> None:
        self._task = task
        self._batcher = batcher
        self._use = use
        self._promise = promise
        self._desk = desk
        self._log = log
        self._metrics = metrics
        self._draw = random.SystemRandom()
        self._audits: set[asyncio.Task[None]] = set()
        self._show_audit()

    @property
    def withdrawn(self) -> bool:
        """Whether the contract is withdrawn, so that every row is the teacher's."""
        return self._promise is not None and self._promise.audit.withdrawn

    async def answer(
        self, examples: Sequence[Example], *, explain: bool, scores: bool, tokens: bool
    ) -> list[Reply]:
        """One reply per row, in order.

        Raises:
            TeacherMissing: The teacher gave no answer in time to a row that is its own.
            Overloaded: Too many rows wait for the student.
        """
        promise = self._promise
        wanted = Wanted(
            explain=explain or (promise is not None and promise.contract.reads_rationales),
            confidence=scores or promise is not None,
            tokens=tokens,
        )
        predictions = await self._batcher.predict(examples, wanted)
        local = [
            self._is_local(example, prediction)
            for example, prediction in zip(examples, predictions, strict=True)
        ]
        found = await self._replies(examples, predictions, local)
        if self._use.audit and promise is not None:
            self._audit(examples, predictions, local)
        return found

    async def _replies(
        self, examples: Sequence[Example], predictions: Sequence[Prediction], local: Sequence[bool]
    ) -> list[Reply]:
        """The student's replies, and the teacher's, which are asked for all at once."""
        if all(local):
            self._metrics.rows("student").inc(len(predictions))
            return [self._students(prediction) for prediction in predictions]
        rows = zip(examples, predictions, local, strict=True)
        replies = await asyncio.gather(
            *(self._reply(example, prediction, local=own) for example, prediction, own in rows),
            return_exceptions=True,
        )
        found = []
        for reply in replies:
            if isinstance(reply, BaseException):
                raise reply
            found.append(reply)
        return found

    async def close(self) -> None:
        """Give up audits in flight."""
        for task in self._audits:
            task.cancel()

    def _is_local(self, example: Example, prediction: Prediction) -> bool:
        """Whether the student answers a row."""
        if self._use.shadow or self.withdrawn:
            return False
        if self._promise is None:
            return True
        return self._would_be_local(self._promise.contract, example, prediction)

    def _would_be_local(self, contract: Contract, example: Example, prediction: Prediction) -> bool:
        score = contract.score_of(prediction, self._task, example.choices)
        return contract.answers_locally(score, prediction.label)

    async def _reply(self, example: Example, prediction: Prediction, *, local: bool) -> Reply:
        if local:
            self._metrics.rows("student").inc()
            return self._students(prediction)
        try:
            answer, tokens = await self._ask(example)
        except NoAnswer as why:
            self._metrics.no_answer.inc()
            if isinstance(why, Unusable):
                self._metrics.unusable.inc()
            if self._use.down == "503":
                raise TeacherMissing(why) from None
            self._metrics.rows("student, marked").inc()
            return self._students(prediction, marked=str(why))
        self._metrics.rows("teacher").inc()
        if self._use.shadow:
            self._compare(example, prediction, answer.label)
        label = answer.label
        return Reply(label, label or "", "teacher", answer.rationale, tokens=tokens)

    def _students(self, prediction: Prediction, marked: str = "") -> Reply:
        closed = self._task.label.kind in ("class", "choice")
        return Reply(
            label=prediction.label,
            raw=prediction.raw,
            source="student",
            rationale=prediction.rationale,
            scores=dict(prediction.scores) if closed and prediction.scores else None,
            marked=marked,
            tokens=prediction.tokens,
        )

    async def _ask(self, example: Example) -> Given:
        if self._desk is None:
            raise NoAnswer("the server has no teacher")
        return await self._desk.ask(example, self._use.seconds)

    def _compare(self, example: Example, prediction: Prediction, label: str | None) -> None:
        """Write down what the student would have said."""
        agrees = same_label(self._task.label.kind, prediction.label, label)
        self._metrics.shadow("yes" if agrees else "no").inc()
        self._log.write(
            "shadow",
            {
                "id": example.id,
                "student": prediction.label,
                "teacher": label,
                "agrees": agrees,
            },
        )

    def _audit(
        self, examples: Sequence[Example], predictions: Sequence[Prediction], local: Sequence[bool]
    ) -> None:
        """Draw from all rows. Those that were answered locally go to the teacher too."""
        for example, prediction, own in zip(examples, predictions, local, strict=True):
            if self._draw.random() >= self._use.audit:
                continue
            if not own:
                self._observe(different=False)
                continue
            task = asyncio.create_task(self._audit_one(example, prediction))
            self._audits.add(task)
            task.add_done_callback(self._audits.discard)

    async def _audit_one(self, example: Example, prediction: Prediction) -> None:
        assert self._desk is not None
        label = None
        try:
            given = await self._desk.ask(example, max(_AUDIT_S, self._use.seconds))
            label = given.answer.label
        except Unusable:
            pass  # it counts as different, as it does where a contract is made
        except NoAnswer as why:
            self._log.write("audit without an answer", {"id": example.id, "why": str(why)})
            return
        different = not same_label(self._task.label.kind, prediction.label, label)
        values = {"id": example.id, "student": prediction.label, "teacher": label}
        self._log.write("audit", {**values, "different": different})
        self._observe(different=different)

    def _observe(self, *, different: bool) -> None:
        assert self._promise is not None
        now = self._promise.audit.observe(different)
        self._show_audit()
        if now:
            state = self._promise.audit.state
            say(
                f"the contract is withdrawn: {state.different:,} of {state.audited:,} audited "
                "calls were answered locally and differently; every call goes to the teacher from "
                f"now on. Make a new one: {self._promise.contract.command('RUN')}"
            )
            self._log.write(
                "contract withdrawn", {"audited": state.audited, "different": state.different}
            )

    def _show_audit(self) -> None:
        if self._promise is not None:
            state = self._promise.audit.state
            self._metrics.audited.set(state.audited)
            self._metrics.different.set(state.different)
            self._metrics.withdrawn.set(state.withdrawn)
