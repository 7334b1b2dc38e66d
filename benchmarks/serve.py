"""Exports against transformers, and the server against a bare endpoint, each pair in one run.

    python benchmarks/serve.py speed                     # T5-small's shape: transformers fp32, CTranslate2 fp32 and int8
    python benchmarks/serve.py server --calls 2000       # a student that takes no time, behind the server and behind FastAPI alone

`speed` reads 64 tokens and writes 8, batch 1, one thread, in turns. `server` sends one row per call over
one connection, in turns. Both need dsbs[train,serve,export].
"""

import argparse
import http.client
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

ROOT = Path(__file__).parent.parent
WRITTEN = 8
ROW = {"animal": "owl", "sound": "says hoo"}


def card() -> Any:
    """A card of the task of a few animals."""
    from dsbs.artifacts.student_card import StudentCard, TrainingFacts
    from dsbs.tasks.task import Task

    task = Task.model_validate(
        {
            "name": "farm",
            "version": 1,
            "label": {"kind": "class", "labels": ["bird", "mammal"]},
            "input": "{{ animal }} {{ sound }}",
            "prompt": {"question": "{{ input }}", "answer": " {{ rationale }} So: {{ label }}."},
            "answer": {"marker": "So:"},
            "demonstrations": [
                {"animal": "hen", "sound": "clucks", "rationale": "It lays eggs.", "label": "bird"}
            ],
            "columns": {"fields": {"animal": "animal", "sound": "sound"}},
        }
    )
    facts = TrainingFacts(
        student="shape", method="standard", labels="gold", data_frac=1.0, seed=0, selected_by="gold"
    )
    return StudentCard(
        task=task,
        method="standard",
        prefixes={"label": ""},
        max_input_tokens=512,
        max_target_tokens=32,
        max_label_tokens=WRITTEN,
        training=facts,
    )


def save_shape(folder: Path) -> Any:
    """T5 v1.1 small's shape with random weights and a vocabulary of as many words, as training saves it."""
    import torch
    from tokenizers import Tokenizer, models, pre_tokenizers, processors
    from transformers import PreTrainedTokenizerFast, T5Config, T5ForConditionalGeneration

    from dsbs.student.checkpoint import Student, save_student

    words = {"<pad>": 0, "</s>": 1, "<unk>": 2} | {f"w{n}": n for n in range(3, 32128)}
    backend = Tokenizer(models.WordLevel(words, unk_token="<unk>"))
    backend.pre_tokenizer = pre_tokenizers.Whitespace()
    backend.post_processor = processors.TemplateProcessing(
        single="$A </s>", special_tokens=[("</s>", 1)]
    )
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=backend, pad_token="<pad>", eos_token="</s>", unk_token="<unk>"
    )
    torch.manual_seed(0)
    config = T5Config(
        vocab_size=32128, d_model=512, d_kv=64, d_ff=1024, num_layers=8, num_heads=6,
        feed_forward_proj="gated-gelu", tie_word_embeddings=False, decoder_start_token_id=0,
    )  # fmt: skip
    model = T5ForConditionalGeneration(config).eval()
    folder.mkdir(parents=True)
    save_student(Student(model, tokenizer, card()), folder)
    return model


def in_turns(ways: dict[str, Callable[[], object]], rounds: int) -> dict[str, list[float]]:
    """Seconds of every way, one after the other, behind one round that is not counted."""
    times: dict[str, list[float]] = {name: [] for name in ways}
    for round_ in range(rounds + 1):
        for name, way in ways.items():
            started = time.perf_counter()
            way()
            if round_:
                times[name].append(time.perf_counter() - started)
    return times


def show(times: dict[str, list[float]], base: str, unit: str = "ms") -> None:
    """Medians, 95th percentiles, and the ratio of medians to the base."""
    middle = {name: float(np.median(values)) for name, values in times.items()}
    for name, values in times.items():
        late = float(np.quantile(values, 0.95))
        ratio = middle[base] / middle[name]
        print(
            f"{name:28} p50 {1000 * middle[name]:8.2f} {unit}  p95 {1000 * late:8.2f} {unit}  {ratio:5.2f} x {base}"
        )


def speed(length: int, rounds: int) -> None:
    """Text to label: transformers fp32, CTranslate2 in fp32 and int8."""
    import torch

    torch.set_num_threads(1)
    from dsbs.artifacts.student_card import read_card
    from dsbs.config.export import ExportConfig
    from dsbs.core.checksums import write_checksums
    from dsbs.exporting.export import card_of
    from dsbs.exporting.targets import converter, route_of
    from dsbs.runtimes.open import open_predictor

    with tempfile.TemporaryDirectory() as scratch:
        source = Path(scratch) / "student"
        model = save_shape(source)
        rng = np.random.default_rng(0)
        ids = [*rng.integers(3, 32000, length - 1).tolist(), 1]
        given = torch.tensor([ids])
        mask = torch.ones_like(given)

        def plain() -> int:
            with torch.no_grad():
                out = model.generate(
                    input_ids=given,
                    attention_mask=mask,
                    do_sample=False,
                    max_new_tokens=WRITTEN,
                    min_new_tokens=WRITTEN,
                )
            return out.shape[1] - 1

        ways: dict[str, Callable[[], object]] = {"transformers fp32": plain}
        written = {"transformers fp32": plain()}
        for quantize in ("none", "int8"):
            config = ExportConfig(run=source, to="ctranslate2", quantize=quantize)
            route = route_of("encoder-decoder", "ctranslate2", quantize, source)
            out = Path(scratch) / quantize
            out.mkdir()
            converter(route)(source, read_card(source), out, quantize)
            card_of(source, read_card(source), config, route).write(out)
            write_checksums(out)
            engine = open_predictor(out, threads=1).engine
            name = f"CTranslate2 {'fp32' if quantize == 'none' else quantize}"
            ways[name] = lambda engine=engine: engine.continuations([ids], [], WRITTEN)
            written[name] = len(engine.continuations([ids], [], WRITTEN)[0])
        print(
            f"T5 v1.1 small's shape, {length} tokens read, {written} written, batch 1, one thread"
        )
        show(in_turns(ways, rounds), "transformers fp32")


class NullStudent:
    """Knows every label at once."""

    def __init__(self) -> None:
        self.card = card().model_copy(update={"decode": "score"})

    def count_tokens(self, text: str) -> int:
        return len(text.split())

    def bare_tokens(self, text: str) -> int:
        return len(text.split())

    def generate(self, inputs: Sequence[str], **unused: Any) -> list[str]:
        return ["bird"] * len(inputs)

    def score(self, rows: Sequence[Any], **unused: Any) -> list[dict[str, float]]:
        return [{"bird": -0.1, "mammal": -2.3} for _ in rows]


def child(kind: str, folder: Path) -> None:
    """One of the two servers, for ever."""
    from dsbs.config.serve import ServeConfig
    from dsbs.runtimes.loaded import LoadedStudent
    from dsbs.serving.start import application, listen, run

    place = listen("127.0.0.1", 0)
    if kind == "bare":
        app = bare()
    else:
        student = NullStudent()
        student.card.write(folder)
        config = ServeConfig(run=folder, out=folder / "out")
        app = application(config, LoadedStudent(student))
    print(place.address, flush=True)
    run(app, place)


def bare() -> Any:
    """The least that FastAPI needs for rows in and labels out."""
    from fastapi import FastAPI

    from dsbs.serving.bodies import PredictBody
    from dsbs.serving.chat import ChatBody

    app = FastAPI()

    @app.post("/predict")
    async def predict(body: PredictBody) -> dict[str, Any]:
        return {
            "rows": [
                {"label": "bird", "probabilities": {"bird": 0.9, "mammal": 0.1}} for _ in body.rows
            ]
        }

    @app.post("/v1/chat/completions")
    async def chat(body: ChatBody) -> dict[str, Any]:
        said = {"role": "assistant", "content": "bird"}
        choice = {"index": 0, "message": said, "finish_reason": "stop"}
        return {"id": "x", "object": "chat.completion", "model": body.model, "choices": [choice]}

    return app


def server(calls: int) -> None:
    """Time and processor time of a call to each server, one connection per route, in turns."""
    with tempfile.TemporaryDirectory() as scratch:
        started = {kind: _start(kind, Path(scratch)) for kind in ("bare", "dsbs")}
        try:
            for route, call in (("rows", _call), ("chat", _chat)):
                _compare(route, call, started, calls)
        finally:
            for process, _ in started.values():
                process.kill()


def _compare(
    route: str,
    call: Callable[[http.client.HTTPConnection], None],
    started: dict[str, tuple[subprocess.Popen[str], str]],
    calls: int,
) -> None:
    ways: dict[str, Callable[[], object]] = {}
    for kind, (_, address) in started.items():
        connection = http.client.HTTPConnection(address.removeprefix("http://"))
        ways[kind] = lambda connection=connection: call(connection)
    for _ in range(50):
        for way in ways.values():
            way()
    before = {kind: processor_s(process.pid) for kind, (process, _) in started.items()}
    times = in_turns(ways, calls)
    used = {kind: processor_s(one.pid) - before[kind] for kind, (one, _) in started.items()}
    print(f"{route}: {calls:,} calls to each, in turns")
    show(times, "bare")
    for kind, seconds in used.items():
        print(f"{kind:28} {1000 * seconds / (calls + 1):.3f} ms of processor time per call")
    middle = {kind: float(np.median(values)) for kind, values in times.items()}
    for what, of in (("a call", middle), ("its processor time", used)):
        ratio = of["dsbs"] / of["bare"]
        print(f"{route}: {what}: {ratio:.2f} times that of the bare endpoint (aim: at most 1.5)")


def processor_s(pid: int) -> float:
    """Seconds of processor time of a process so far, its own and the system's. Linux alone."""
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _start(kind: str, folder: Path) -> tuple[subprocess.Popen[str], str]:
    command = [sys.executable, __file__, "child", kind, "--folder", str(folder)]
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=env)
    assert process.stdout is not None
    return process, process.stdout.readline().strip()


def _call(connection: http.client.HTTPConnection) -> None:
    body = json.dumps({"rows": [ROW]})
    connection.request("POST", "/predict", body, {"content-type": "application/json"})
    reply = connection.getresponse()
    found = json.loads(reply.read())
    assert reply.status == 200, found
    assert found["rows"][0]["label"] == "bird"


def _chat(connection: http.client.HTTPConnection) -> None:
    body = json.dumps({"model": "m", "messages": [{"role": "user", "content": json.dumps(ROW)}]})
    connection.request("POST", "/v1/chat/completions", body, {"content-type": "application/json"})
    reply = connection.getresponse()
    found = json.loads(reply.read())
    assert reply.status == 200, found
    assert found["choices"][0]["message"]["content"] == "bird"


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("what", choices=["speed", "server", "child"])
    parser.add_argument("kind", nargs="?", default="")
    parser.add_argument("--length", type=int, default=64)
    parser.add_argument("--rounds", type=int, default=30)
    parser.add_argument("--calls", type=int, default=1000)
    parser.add_argument("--folder", type=Path)
    options = parser.parse_args()
    if options.what == "speed":
        speed(options.length, options.rounds)
    elif options.what == "server":
        server(options.calls)
    else:
        child(options.kind, options.folder)


if __name__ == "__main__":
    main()
