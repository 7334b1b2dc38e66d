"""vLLM on the machines of a Ray cluster, through Ray Data.

Ray Data starts the engines, spreads the work, and survives the loss of a machine.
"""

import asyncio
import contextlib
import logging
import os
import pickle
import threading
from collections.abc import Generator, Iterable, Mapping
from dataclasses import replace
from itertools import count
from typing import Any, Self

from dsbs.core.errors import InputError
from dsbs.core.ray_cluster import gpus, joined, machines
from dsbs.core.records import Completion
from dsbs.teachers.async_bridge import drive, groups
from dsbs.teachers.protocol import EngineOptions, Idle, Prompt, Sampling, Wait
from dsbs.teachers.ray_worker import Replica, Supply, read_supply
from dsbs.teachers.tokenizer_only import TokenizerTeacher

_BATCH = 16
"""Prompts per task of Ray."""

_IN_FLIGHT = 512
"""Prompts in flight per engine: twice what vLLM takes into one batch."""

_END_S = 10.0
"""Seconds for an orderly end."""

_ENGINE_ENV = {"VLLM_ENABLE_V1_MULTIPROCESSING": "0"}
"""The engine computes in Ray's process. One of its own would outlive that, and keep the memory."""


class RayTeacher:
    """The same answers as `--engine vllm`, under the same keys, from engines all over the cluster.

    One Ray Data pipeline lives as long as the teacher, because an engine takes long to start. It is
    fed as prompts are drawn, so memory does not grow with rows.
    """

    def __init__(self, options: EngineOptions, sampling: Sampling) -> None:
        local = TokenizerTeacher(options, sampling)
        self.name = local.name
        self.chat = local.chat
        self.sampling = local.sampling
        self.identity: Mapping[str, Any] = local.identity
        self.count_tokens = local.count_tokens
        self._patience_s = options.ray.patience_s
        self._cpus_each = options.ray.cpus_each
        self._tasks_each = max(1, (options.concurrency or _IN_FLIGHT) // _BATCH)
        self._open = contextlib.ExitStack()
        self._ray = self._open.enter_context(joined(options.ray.address))
        found = gpus(self._ray)
        given = options.ray.gpus_each
        self._gpus_each = min(found, 1) if given is None else given
        places = found // self._gpus_each if self._gpus_each else machines(self._ray).up
        self._replicas = options.ray.replicas or max(1, places)
        engine = replace(
            options,
            api="chat" if self.chat else "completions",
            concurrency=None,
            tensor_parallel=max(1, self._gpus_each),
        )
        self._arguments = {"options": engine, "sampling": sampling}
        self._loop = asyncio.new_event_loop()
        self._numbers = count()
        self._waiting: dict[int, asyncio.Future[list[Completion]]] = {}
        self._supply: Any = None
        self._reader: threading.Thread | None = None
        self._ended: Exception | None = None

    def complete(
        self, prompts: Iterable[Prompt | Wait]
    ) -> Generator[Completion | Idle, None, None]:
        """See `Teacher.complete`."""
        if self._reader is None:
            self._start()
        requests = groups(prompts, _BATCH)
        for answered in drive(self._loop, requests, self._answer, self._most_batches):
            if isinstance(answered, Idle):
                yield answered
            else:
                yield from answered

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *unused: object) -> None:
        if self._reader is not None:
            # What is cut short now is not wanted any more.
            logging.getLogger("ray.data").setLevel(logging.CRITICAL)
            self._supply.add.remote(next(self._numbers), None)
            self._reader.join(_END_S)
        self._open.close()
        self._loop.close()

    def _most_batches(self) -> int:
        return self._replicas * self._tasks_each

    async def _answer(self, prompts: list[Prompt]) -> list[Completion]:
        if self._ended is not None:
            raise self._ended
        future: asyncio.Future[list[Completion]] = self._loop.create_future()
        batch = pickle.dumps(prompts)
        while not future.done():
            number = next(self._numbers)
            lost = machines(self._ray).lost
            self._waiting[number] = future
            self._supply.add.remote(number, batch)
            # Ray repeats the work of a lost machine on one that replaces it. Where none does, that
            # would be never.
            while not future.done() and machines(self._ray).lost == lost:
                await asyncio.wait([future], timeout=self._patience_s)
        return future.result()

    def _start(self) -> None:
        """Start the pipeline, and a thread that hands its answers to the loop."""
        import ray.data

        ray.data.DataContext.get_current().enable_progress_bars = False
        logging.getLogger("ray.data").setLevel(logging.ERROR)
        # On this machine: if it is lost, so is the run.
        here = {"ray.io/node-id": self._ray.get_runtime_context().get_node_id()}
        self._supply = ray.remote(Supply).options(num_cpus=0, label_selector=here).remote()
        rows = ray.data.from_items([0])  # one task, which reads
        rows.context.target_max_block_size = 1  # byte, so that every batch is handed on at once
        read: Any = read_supply
        batches = rows.map_batches(read, fn_args=(self._supply,), num_cpus=0, label_selector=here)
        pool = ray.data.ActorPoolStrategy(
            min_size=1,
            max_size=self._replicas,
            initial_size=self._replicas,
            max_tasks_in_flight_per_actor=self._tasks_each,
            max_concurrent_calls_per_actor=self._tasks_each,
        )
        answers = batches.map_batches(
            Replica,
            fn_constructor_kwargs=self._arguments,
            batch_size=1,
            batch_format="pyarrow",
            compute=pool,
            num_cpus=self._cpus_each,
            num_gpus=self._gpus_each,
            runtime_env={"env_vars": _ENGINE_ENV | _vllm_variables()},
        )
        self._reader = threading.Thread(target=self._read, args=(answers,), daemon=True)
        self._reader.start()

    def _read(self, answers: Any) -> None:
        broken: Exception = RuntimeError("Ray Data ended before everything was answered")
        try:
            for batch in answers.iter_batches(
                batch_size=None, batch_format="pyarrow", prefetch_batches=0
            ):
                for row in batch.to_pylist():
                    self._loop.call_soon_threadsafe(
                        self._arrived, row["number"], pickle.loads(row["batch"])
                    )
        except Exception as error:
            broken = error
        with contextlib.suppress(RuntimeError):  # the loop is closed once nobody waits
            self._loop.call_soon_threadsafe(self._broken, broken)

    def _arrived(self, number: int, answered: Any) -> None:
        """Hand on a batch. After the loss of a machine one may come twice; it is dropped."""
        self._supply.forget.remote(number)
        future = self._waiting.pop(number, None)
        if future is None or future.done():
            return
        if isinstance(answered, tuple):
            where, got, expected, fix = answered
            future.set_exception(InputError(where, got=got, expected=expected, fix=fix))
        else:
            future.set_result(answered)

    def _broken(self, error: Exception) -> None:
        self._ended = error
        for future in self._waiting.values():
            if not future.done():
                future.set_exception(error)


def _vllm_variables() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if name.startswith("VLLM_")}
