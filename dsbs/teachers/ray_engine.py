"""vLLM on the machines of a Ray cluster, through Ray Data: it starts the engines, spreads the work, and survives machines."""

import asyncio
import contextlib
import logging
import os
import pickle
import threading
from collections.abc import Generator, Iterable
from itertools import count
from typing import Any, Self

from dsbs.core.errors import InputError
from dsbs.core.ray_cluster import gpus, joined, machines
from dsbs.core.records import Completion
from dsbs.teachers.async_bridge import drive, groups
from dsbs.teachers.protocol import Prompt, Sampling
from dsbs.teachers.ray_worker import Replica, Supply, read_supply
from dsbs.teachers.tokenizer_only import PlannedTeacher

_BATCH, _IN_FLIGHT, _END_S = 16, 512, 10.0
"""Prompts a task of Ray; prompts in flight an engine, twice what vLLM takes into one batch; seconds for an orderly end."""

_ENGINE_ENV = {"VLLM_ENABLE_V1_MULTIPROCESSING": "0"}
"""The engine computes in Ray's own process: one of its own would outlive that, and keep the memory."""


class RayTeacher:
    """The same answers as `--teacher vllm`, kept under the same keys, from as many engines as the cluster holds.

    One Ray Data pipeline lives as long as the teacher, because an engine takes long to start. It is fed as prompts are drawn,
    so that memory does not grow with rows.
    """

    def __init__(
        self,
        model: str,
        sampling: Sampling,
        *,
        revision: str | None = None,
        dtype: str = "auto",
        max_model_len: int | None = None,
        concurrency: int | None = None,
        api: str = "auto",
        address: str | None = None,
        replicas: int | None = None,
        cpus_each: int = 1,
        gpus_each: int | None = None,
        patience_s: float = 300.0,
    ) -> None:
        planned = PlannedTeacher(model, revision=revision, api=api)
        self.name, self.chat, self.identity = planned.name, planned.chat, planned.identity
        self.count_tokens = planned.count_tokens
        self._open = contextlib.ExitStack()
        self._ray = self._open.enter_context(joined(address))
        found = gpus(self._ray)
        self._gpus_each = min(found, 1) if gpus_each is None else gpus_each
        self._replicas = replicas or max(
            1, found // self._gpus_each if self._gpus_each else machines(self._ray).up
        )
        self._patience_s = patience_s
        self._cpus_each, self._tasks_each = cpus_each, max(1, (concurrency or _IN_FLIGHT) // _BATCH)
        several = {"tensor_parallel_size": self._gpus_each, "distributed_executor_backend": "mp"}
        settings: dict[str, Any] = {
            "revision": revision,
            "dtype": dtype,
            "max_model_len": max_model_len,
        }
        settings |= {
            "api": "chat" if self.chat else "completions",
            "engine_args": several if self._gpus_each > 1 else {},
        }
        self._engine = {"model": str(model), "sampling": sampling, "settings": settings}
        self._loop, self._numbers = asyncio.new_event_loop(), count()
        self._waiting: dict[int, asyncio.Future[list[Completion]]] = {}
        self._supply: Any = None
        self._reader: threading.Thread | None = None
        self._ended: Exception | None = None

    def complete(
        self, prompts: Iterable[Prompt | None]
    ) -> Generator[Completion | None, None, None]:
        if self._reader is None:
            self._start()
        for answered in drive(
            self._loop,
            groups(prompts, _BATCH),
            self._answer,
            lambda: self._replicas * self._tasks_each,
        ):
            yield from answered or (None,)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *unused: object) -> None:
        if self._reader is not None:
            logging.getLogger("ray.data").setLevel(
                logging.CRITICAL
            )  # what is cut short now was not wanted any more
            self._supply.add.remote(next(self._numbers), None)
            self._reader.join(_END_S)
        self._open.close()
        self._loop.close()

    async def _answer(self, prompts: list[Prompt]) -> list[Completion]:
        if self._ended is not None:
            raise self._ended
        future, batch = self._loop.create_future(), pickle.dumps(prompts)
        while not future.done():
            number, lost = next(self._numbers), machines(self._ray).lost
            self._waiting[number] = future
            self._supply.add.remote(number, batch)
            # Ray asks a lost machine's work again on a machine that replaces it; where none does, that would be never.
            while not future.done() and machines(self._ray).lost == lost:
                await asyncio.wait([future], timeout=self._patience_s)
        return future.result()

    def _start(self) -> None:
        """Start the pipeline, and a thread that hands its answers to the loop."""
        import ray.data

        ray.data.DataContext.get_current().enable_progress_bars = False
        logging.getLogger("ray.data").setLevel(logging.ERROR)
        here = {
            "ray.io/node-id": self._ray.get_runtime_context().get_node_id()
        }  # the run is lost with its machine anyway
        self._supply = ray.remote(Supply).options(num_cpus=0, label_selector=here).remote()
        rows = ray.data.from_items([0])  # one task, which reads
        rows.context.target_max_block_size = 1  # byte: every batch goes on as soon as it is there
        batches = rows.map_batches(
            read_supply, fn_args=(self._supply,), num_cpus=0, label_selector=here
        )
        pool = ray.data.ActorPoolStrategy(
            min_size=1,
            max_size=self._replicas,
            initial_size=self._replicas,
            max_tasks_in_flight_per_actor=self._tasks_each,
            max_concurrent_calls_per_actor=self._tasks_each,
        )
        answers = batches.map_batches(
            Replica,
            fn_constructor_kwargs=self._engine,
            batch_size=1,
            batch_format="pyarrow",
            compute=pool,
            num_cpus=self._cpus_each,
            num_gpus=self._gpus_each,
            runtime_env={
                "env_vars": _ENGINE_ENV
                | {k: v for k, v in os.environ.items() if k.startswith("VLLM_")}
            },
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
        """A batch is answered. What Ray had answered twice, after a machine was lost, nobody waits for any more."""
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
