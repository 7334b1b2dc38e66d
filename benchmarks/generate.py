"""`dsbs generate` against what it drives, called directly with the same prompts.

    python benchmarks/generate.py engine    # vLLM in the process: our time over vLLM's
    python benchmarks/generate.py server    # a server that answers at once: rows a second beside the bare client
    python benchmarks/generate.py stream    # many rows from such a server, and the plan of as many: memory and disk

Every timing is a process of its own; ours and theirs take turns in one run, and the best of each is
compared. Our rows are all in the store, every commit durable. Start-up of engines is left out of
`engine`, and everything is counted in the others.
"""

import argparse
import asyncio
import contextlib
import json
import os
import random
import resource
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parent.parent
WORDS = (ROOT / "prompts" / "cqa.yaml").read_text().split()
TASK = """\
name: bench
version: 1
label: {kind: class, labels: ["yes", "no"]}
input: "{{ text }}"
prompt: {question: "Q: {{ input }}\\nA:", answer: " {{ rationale }} So it is {{ label }}.", stop: ["\\n\\nQ:"]}
answer: {marker: So it is, ends: ["Q:"]}
demonstrations:
%s
columns: {fields: {text: text}}
"""


def make_work(folder: Path, rows: int, *, shared_words: int, own_words: int) -> None:
    """A task whose demonstrations have `shared_words` words, and rows of `own_words`, all of plain
    English.
    """
    rng = random.Random(0)
    plain = [word for word in WORDS if word.isalpha()]
    said = [" ".join(rng.choices(plain, k=shared_words // 4)) for _ in range(4)]
    (folder / "task.yaml").write_text(
        TASK % "\n".join(f'  - {{text: "{t}", rationale: "It is.", label: "yes"}}' for t in said)
    )
    with (folder / "rows.jsonl").open("w") as file:
        for number in range(rows):
            file.write(
                json.dumps({"text": f"{number} " + " ".join(rng.choices(WORDS, k=own_words))})
                + "\n"
            )


def make_model(folder: Path) -> None:
    """Qwen2, 2 layers 64 wide, random weights, with a tokenizer of the rows' words."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import PreTrainedTokenizerFast, Qwen2Config, Qwen2ForCausalLM

    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer, tokenizer.decoder = (
        pre_tokenizers.ByteLevel(add_prefix_space=False),
        decoders.ByteLevel(),
    )
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(
        vocab_size=2000, special_tokens=["</s>"], initial_alphabet=alphabet, show_progress=False
    )
    tokenizer.train_from_iterator([" ".join(WORDS)], trainer)
    PreTrainedTokenizerFast(tokenizer_object=tokenizer, eos_token="</s>").save_pretrained(folder)
    config = Qwen2Config(
        vocab_size=2000,
        hidden_size=64,
        intermediate_size=128,
        num_hidden_layers=2,
        num_attention_heads=2,
    )
    config.num_key_value_heads, config.max_position_embeddings = 2, 2048
    Qwen2ForCausalLM(config).save_pretrained(folder)


def prompts(folder: Path) -> list[str]:
    """The prompts as `generate` sends them."""
    from dsbs.data.load import load_data
    from dsbs.tasks.prompts import load_task, prompt_prefix, render_prompt

    task = load_task(str(folder / "task.yaml"))
    prefix, data = prompt_prefix(task), load_data(task, folder / "rows.jsonl")
    return [
        render_prompt(task, e, prefix)
        for split in ("train", "validation", "test")
        for e in data.splits[split]
    ]


def run_ours(folder: Path, *flags: str) -> dict[str, Any]:
    """`generate` as a user runs it: seconds of labelling (start-up left out), of the whole process,
    and its peak memory.
    """
    with tempfile.TemporaryDirectory(dir=folder) as out:
        command = [
            sys.executable,
            "-m",
            "dsbs.generate",
            "--task",
            folder / "task.yaml",
            "--data",
            folder / "rows.jsonl",
        ]
        command += [
            "--splits",
            "train,validation,test",
            "--json",
            "--out",
            Path(out) / "run",
            *flags,
        ]
        started = time.monotonic()
        with subprocess.Popen(
            [*map(str, command)], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, cwd=ROOT
        ) as process:
            said, _ = process.communicate()
        results, whole = json.loads(said), time.monotonic() - started
        if "plan" in results:
            return {"whole_s": whole, "rows": results["plan"]["rows"]}
        assert results["failed"] == 0, results["failures"]
        disk = Counter[str]()
        for path in Path(out).rglob("*.*"):
            disk[path.suffix] += path.stat().st_size
        return {
            "seconds": results["labeling_s"],
            "whole_s": whole,
            "rows": results["new"],
            "disk": disk,
        }


def vllm_llm(folder: Path, **more: Any) -> float:
    """Seconds of `LLM.generate` over all prompts at once."""
    from vllm import LLM

    arguments = {
        "enforce_eager": True,
        "generation_config": "vllm",
        "enable_prefix_caching": True,
        **more,
    }
    engine, texts = LLM(str(folder / "model"), **arguments), prompts(folder)
    started = time.monotonic()
    engine.generate(texts, _params(), use_tqdm=False)
    return time.monotonic() - started


def vllm_async(folder: Path) -> float:
    """Seconds of `AsyncLLM`, all prompts handed over at once."""
    from vllm.engine.arg_utils import AsyncEngineArgs
    from vllm.v1.engine.async_llm import AsyncLLM

    async def run() -> float:
        arguments = {"enforce_eager": True, "generation_config": "vllm", "disable_log_stats": True}
        engine = AsyncLLM.from_engine_args(
            AsyncEngineArgs(model=str(folder / "model"), **arguments)
        )
        texts = prompts(folder)
        started = time.monotonic()

        async def one(number: int, text: str) -> None:
            async for _ in engine.generate(text, _params(), str(number)):
                pass

        await asyncio.gather(*(one(number, text) for number, text in enumerate(texts)))
        taken = time.monotonic() - started
        engine.shutdown()
        return taken

    return asyncio.run(run())


def _params() -> Any:
    from vllm import SamplingParams
    from vllm.sampling_params import RequestOutputKind

    return SamplingParams(
        temperature=0, max_tokens=32, stop=["\n\nQ:"], output_kind=RequestOutputKind.FINAL_ONLY
    )


def bare_client(folder: Path, url: str, chat: bool) -> float:
    """Seconds of the openai client alone, 64 requests at once, nothing kept."""
    import openai

    async def run() -> float:
        client, texts, gate = (
            openai.AsyncOpenAI(base_url=url, api_key="none"),
            prompts(folder),
            asyncio.Semaphore(64),
        )
        started = time.monotonic()

        async def one(batch: list[str]) -> None:
            async with gate:
                if chat:
                    ask: Any = [{"role": "user", "content": batch[0]}]
                    await client.chat.completions.create(
                        model="model", messages=ask, max_completion_tokens=32
                    )
                else:
                    await client.completions.create(model="model", prompt=batch, max_tokens=32)

        size = 1 if chat else 32
        await asyncio.gather(*(one(texts[at : at + size]) for at in range(0, len(texts), size)))
        return time.monotonic() - started

    return asyncio.run(run())


def apart(name: str, folder: Path, *rest: str) -> float:
    """One of the direct ways in a process of its own."""
    command = [sys.executable, __file__, "worker", name, str(folder), *rest]
    environment = {**os.environ, "VLLM_CPU_KVCACHE_SPACE": "1", "VLLM_LOGGING_LEVEL": "ERROR"}
    done = subprocess.run(
        command, capture_output=True, text=True, env=environment, check=True, cwd=ROOT
    )
    return float(done.stdout.strip().splitlines()[-1])


SHAPES = {"prefix shared": (440, 12), "nothing shared": (8, 440)}
"""Words of the demonstrations, and of each row."""


def engine(rows: int, rounds: int, shapes: Iterable[str]) -> None:
    """Ours over the faster of vLLM's two ways, with and without a prefix to share."""
    for what in shapes:
        with tempfile.TemporaryDirectory() as place:
            folder = Path(place)
            make_work(folder, rows, shared_words=SHAPES[what][0], own_words=SHAPES[what][1])
            make_model(folder / "model")
            flags = (
                "--engine",
                "vllm",
                "--teacher",
                str(folder / "model"),
                "--max-new-tokens",
                "32",
            )
            ways = {
                "LLM.generate": "llm",
                "LLM.generate in blocks of 32, as ours": "llm32",
                "AsyncLLM": "async",
            }
            found: dict[str, list[float]] = {"ours": [], **{way: [] for way in ways}}
            for _ in range(rounds):
                for way, name in ways.items():
                    found[way].append(apart(name, folder))
                found["ours"].append(run_ours(folder, *flags)["seconds"])
            best = {way: min(seconds) for way, seconds in found.items()}
            direct = min(best[way] for way in ways)
            shown = ", ".join(
                f"{way} {rows / s:,.0f} rows/s ({s:.1f} s)" for way, s in best.items()
            )
            print(
                f"engine, {what}: {shown}; ours over the faster direct way: {best['ours'] / direct:.2f}",
                flush=True,
            )


def server(rows: int, rounds: int) -> None:
    """Rows a second in chat and in completions beside the bare client."""
    with tempfile.TemporaryDirectory() as name, _loopback() as url:
        folder = Path(name)
        make_work(folder, rows, shared_words=80, own_words=12)
        for api in ("chat", "completions"):
            bare, ours = [], []
            for _ in range(rounds):
                bare.append(apart("client", folder, url, api))
                ours.append(run_ours(folder, *_endpoint(url, api))["whole_s"])
            shown = f"ours {rows / min(ours):,.0f} rows/s, start-up included; the bare client {rows / min(bare):,.0f}"
            print(f"server, {api}, {rows:,} rows: {shown}", flush=True)


def stream(rows: int) -> None:
    """A tenth of the rows, then all: rows a second, peak memory and disk of `generate` in
    completions, and of its plan.
    """
    with tempfile.TemporaryDirectory() as name, _loopback() as url:
        folder, peaks = Path(name), []
        for count in (rows // 10, rows):
            make_work(folder, count, shared_words=80, own_words=12)
            for what, *flags in (("plan", "--plan"), ("generate",)):
                ours = json.loads(apart_memory(folder, [*_endpoint(url, "completions"), *flags]))
                peaks.append(ours["peak_mib"])
                disk = ", ".join(
                    f"{suffix} {size / count:,.0f}"
                    for suffix, size in sorted(ours.get("disk", {}).items())
                )
                rate = f"{count / ours['whole_s']:,.0f} rows/s, {peaks[-1]:,.0f} MiB at most"
                print(
                    f"stream, {what}, {count:,} rows: {rate}"
                    + f"; bytes a row: {disk}" * bool(disk),
                    flush=True,
                )
        for what, before, after in zip(("plan", "generate"), peaks[:2], peaks[2:], strict=True):
            each = (after - before) * 2**20 / (rows - rows // 10)
            print(
                f"stream, {what}: {after - before:,.0f} MiB more for ten times the rows, {each:,.0f} bytes a row"
            )


def _endpoint(url: str, api: str) -> tuple[str, ...]:
    return ("--engine", "endpoint", "--base-url", url, "--teacher", "model", "--api", api)


def apart_memory(folder: Path, flags: Iterable[str]) -> str:
    """Ours in a process that has no other child, so that the largest child's memory is ours."""
    command = [sys.executable, __file__, "worker", "memory", str(folder), *flags]
    return subprocess.run(command, capture_output=True, text=True, check=True, cwd=ROOT).stdout


@contextlib.contextmanager
def _loopback() -> Iterator[str]:
    command = [sys.executable, str(ROOT / "tests" / "support" / "loopback.py"), "--chat"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        yield f"http://127.0.0.1:{process.stdout.readline().strip()}/v1"
        process.kill()


def worker(name: str, folder: Path, rest: list[str]) -> None:
    if name == "memory":
        found = run_ours(folder, *rest)
        print(
            json.dumps(
                {**found, "peak_mib": resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024}
            )
        )
    elif name == "client":
        print(bare_client(folder, rest[0], rest[1] == "chat"))
    else:
        print(
            {"llm": vllm_llm, "llm32": partial(vllm_llm, block_size=32), "async": vllm_async}[name](
                folder
            )
        )


def main() -> None:
    if sys.argv[1:2] == ["worker"]:
        worker(sys.argv[2], Path(sys.argv[3]), sys.argv[4:])
        return
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "what", nargs="*", choices=["engine", "server", "stream", []], default=["engine", "server"]
    )
    parser.add_argument(
        "--rows",
        type=int,
        default=0,
        help="default 8,000 for engine, 20,000 for server, 1,000,000 for stream",
    )
    parser.add_argument("--shape", choices=SHAPES, help="of engine, only this one")
    parser.add_argument("--rounds", type=int, default=2)
    given = parser.parse_args()
    if "engine" in given.what:
        engine(given.rows or 8_000, given.rounds, [given.shape] if given.shape else SHAPES)
    if "server" in given.what:
        server(given.rows or 20_000, given.rounds)
    if "stream" in given.what:
        stream(given.rows or 1_000_000)


if __name__ == "__main__":
    main()
