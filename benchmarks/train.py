"""Training, ours against the plain way: the same student, the same examples, in one run.

    python benchmarks/train.py train          # examples a second, each step from the plain recipe to ours
    python benchmarks/train.py passes         # what one more forward and backward pass costs, in FLOPs
    python benchmarks/train.py decoder --shapes gemma4    # a decoder-only student against TRL's trainer

The plain recipe is the published implementation's: two full forward passes a step, over labels and
over rationales, on padded batches in random order, in fp32, with PyTorch's AdamW. Students have
random weights in the shape of a hub model; lengths are those of CommonsenseQA with PaLM's
rationales in T5's tokens (41 input, 30 rationale, 3 label tokens on average).
"""

import argparse
import math
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from transformers import T5Config, T5ForConditionalGeneration

from dsbs.scaling.encoder_decoder import EncoderDecoder, training_flops
from dsbs.student.cpu import tune_cpu
from dsbs.student.encoding import EncodedTarget
from dsbs.student.padding import pad_rows
from dsbs.student.t5.fused_layers import fuse_layers
from dsbs.training.batching import Collator, StepSampler, lengths_of, rows_of
from dsbs.training.costs import pass_flops
from dsbs.training.objective import Objective

VOCABULARY, LABEL_LENGTHS, TASKS = 32_128, (2, 5), ("label", "rationale")
PROMPTS = ((784, 10), (784, 11, 12, 13, 908))
"""As long as two tasks' prefixes where the decoder reads them."""

SHAPES: Mapping[str, Mapping[str, int]] = {
    "mini": {"d_model": 64, "d_ff": 128, "d_kv": 16, "num_heads": 4, "num_layers": 2},
    "small": {"d_model": 512, "d_ff": 1024, "d_kv": 64, "num_heads": 6, "num_layers": 8},
    "base": {"d_model": 768, "d_ff": 2048, "d_kv": 64, "num_heads": 12, "num_layers": 12},
    "large": {"d_model": 1024, "d_ff": 2816, "d_kv": 64, "num_heads": 16, "num_layers": 24},
    "3b": {"d_model": 2048, "d_ff": 5120, "d_kv": 64, "num_heads": 32, "num_layers": 24},
    "11b": {"d_model": 4096, "d_ff": 10240, "d_kv": 64, "num_heads": 64, "num_layers": 24},
}
"""T5 v1.1 in its sizes, and in miniature for tests."""

Step = Callable[[Sequence[int]], torch.Tensor]
"""Forward and backward of the examples of a step; its loss."""


def build(
    shape: str, device: str, dtype: torch.dtype = torch.float32
) -> T5ForConditionalGeneration:
    """A student of this shape with random weights."""
    torch.manual_seed(0)
    config = T5Config(
        vocab_size=VOCABULARY,
        feed_forward_proj="gated-gelu",
        tie_word_embeddings=False,
        **SHAPES[shape],
    )
    config.decoder_start_token_id = config.pad_token_id
    with torch.device(device):
        previous = torch.get_default_dtype()
        torch.set_default_dtype(dtype)
        try:
            model = T5ForConditionalGeneration(config)
        finally:
            torch.set_default_dtype(previous)
    # As made, its logits are so far apart that most probabilities are denormal numbers, which no
    # trained student's are.
    torch.nn.init.normal_(model.lm_head.weight, std=config.d_model**-0.5)
    return model


def examples(count: int) -> list[list[EncodedTarget]]:
    """Random tokens in lengths spread as those of CommonsenseQA are: log-normal around 41 and 30
    tokens.
    """
    rng = np.random.default_rng(0)
    inputs = np.clip(rng.lognormal(math.log(40), 0.16, count), 20, 120).astype(int)
    rationales = np.clip(rng.lognormal(math.log(28), 0.32, count), 5, 120).astype(int)
    labels = rng.integers(*LABEL_LENGTHS, count)
    found, number = [], 0
    for x, r, y in zip(inputs, rationales, labels, strict=True):
        ids = rng.integers(10, VOCABULARY, x).tolist()
        pair = []
        for at, (task, tokens) in enumerate(zip(TASKS, (y, r), strict=True)):
            target = [*rng.integers(10, VOCABULARY, tokens - 1).tolist(), 1]
            pair.append(EncodedTarget(task, 0.5, [*ids[:-3], at + 3, 4, 1], target, number))
            number += 1
        found.append(pair)
    return found


def prompted(data: Sequence[Sequence[EncodedTarget]]) -> list[list[EncodedTarget]]:
    """The same, the task named to the decoder: one input an example, no shorter than before."""
    return [
        [replace(s, input_ids=e[0].input_ids, prompt=p) for s, p in zip(e, PROMPTS, strict=True)]
        for e in data
    ]


@dataclass
class Arm:
    """One way to train: what is told to it, and the examples of its steps."""

    name: str
    step: Step
    batches: Iterator[list[int]]
    optimizer: torch.optim.Optimizer
    model: Any
    seconds: float = math.inf
    padding: float = 0.0

    def run(self) -> None:
        """One optimizer step, timed; the shortest counts."""
        batch = next(self.batches)
        _wait()
        started = time.monotonic()
        self.step(batch)
        torch.nn.utils.clip_grad_norm_(self.model.parameters(), 1.0)
        self.optimizer.step()
        self.optimizer.zero_grad()
        _wait()
        self.seconds = min(self.seconds, time.monotonic() - started)

    def loss(self, batch: Sequence[int]) -> float:
        """The loss of a step without dropout; nothing is learned from it."""
        self.model.eval()
        found = self.step(batch).item()
        self.model.zero_grad()
        self.model.train()
        return found


def plain_step(
    model: Any, data: Sequence[Sequence[EncodedTarget]], device: str, bf16: bool = False
) -> Step:
    """Two passes of the model's own loss over padded batches."""

    def step(batch: Sequence[int]) -> torch.Tensor:
        total = torch.zeros((), device=device)
        for task in range(len(TASKS)):
            rows = [data[number][task] for number in batch]
            ids = pad_rows([row.input_ids for row in rows], 0).to(device)
            mask = pad_rows([[1] * len(row.input_ids) for row in rows], 0).to(device)
            labels = pad_rows(
                [[*[-100] * len(row.prompt), *row.target_ids] for row in rows], -100
            ).to(device)
            told = pad_rows([[0, *row.prompt, *row.target_ids[:-1]] for row in rows], 0).to(device)
            with torch.autocast(torch.device(device).type, torch.bfloat16, enabled=bf16):
                loss = (
                    0.5
                    * model(
                        input_ids=ids, attention_mask=mask, decoder_input_ids=told, labels=labels
                    ).loss
                )
            total = total + loss
        total.backward()
        return total.detach()

    return step


def our_step(
    model: Any, data: Sequence[Sequence[EncodedTarget]], device: str, collator: Collator, bf16: bool
) -> Step:
    """The steps of `StepTrainer`."""
    objective, target = Objective(), torch.device(device)

    def step(batch: Sequence[int]) -> torch.Tensor:
        made = collator([data[number] for number in batch])
        total, sizes = torch.zeros((), device=device), made.sizes.to(device)
        for parts in collator.passes(made.micro_batches):
            with torch.autocast(target.type, torch.bfloat16, enabled=bf16):
                loss = objective.of_pass(model, [part.to(target) for part in parts], sizes)
            loss.backward()
            total += loss.detach()
        return total

    return step


def padding(
    data: Sequence[Sequence[EncodedTarget]],
    batches: Sequence[Sequence[int]],
    collator: Collator | None,
) -> float:
    """The share of tokens that is padding."""
    real = padded = 0
    for batch in batches:
        real += int(lengths_of(rows_of([data[number] for number in batch])).sum())
        lengths = [lengths_of([[data[number][task]] for number in batch]) for task in (0, 1)]
        if collator is None:
            padded += sum(len(each) * int(each.max(axis=0).sum()) for each in lengths)
        else:
            padded += sum(
                part.tokens for part in collator([data[number] for number in batch]).micro_batches
            )
    return 1 - real / padded


@dataclass(frozen=True)
class Way:
    """What an arm does of all that can be done."""

    name: str
    collator: Collator | None = None
    fused: bool = False
    lean: bool = False
    bf16: bool = False
    shared: bool = False
    settled: bool = False
    compiled: bool = False


def ways(device: str, worth: float, bf16: bool, compiled: bool = False) -> list[Way]:
    """From the plain recipe to what `dsbs train` does, and beyond."""
    fitted = Collator(TASKS, 0, pass_cost=worth)
    found = [Way("plain recipe, fp32"), *([Way("plain recipe, bf16", bf16=True)] if bf16 else [])]
    found += (
        [replace(found[-1], name="plain recipe, torch.compile", compiled=True)] if compiled else []
    )
    found += [Way("micro-batches of like length, logits at targets only", fitted)]
    found += [replace(found[-1], name="+ fused optimizer", fused=True)]
    found += [replace(found[-1], name="+ layers in fewer passes over memory", lean=True)]
    if device == "cpu":
        whole = Collator(TASKS, 0, packs=True)
        found += [replace(found[-1], name="+ micro-batches in one pass", collator=whole)]
        found += [replace(found[-1], name="+ freed memory kept", settled=True)]
    found += [replace(found[-1], name="+ bf16", bf16=True)] if bf16 else []
    found += [replace(found[-1], name="+ one encoder pass for both tasks (an option)", shared=True)]
    return found


def train(
    shape: str,
    device: str,
    *,
    batch_size: int,
    steps: int,
    bf16: bool,
    compiled: bool = False,
    options: Sequence[str],
) -> None:
    """Every way by itself, its best step, and how far its loss without dropout is from the plain
    recipe's.
    """
    data = examples(64 * batch_size)
    worth = pass_tokens(shape, device)
    print(
        f"T5 v1.1 {shape} on {describe(device)}, batch {batch_size}, a pass is worth {worth:.0f} tokens",
        flush=True,
    )
    plain: list[float] = []
    for way in ways(device, worth, bf16, compiled):
        if options and not any(option in way.name for option in options):
            continue
        arm = _arm(shape, device, data, batch_size, way)
        loss = arm.loss(range(batch_size))  # warms up as well
        for _ in range(steps):
            arm.run()
        plain = plain or [arm.seconds, loss]
        # Its sequences are others, so it is held against separate passes over them.
        alone = (
            _arm(shape, device, data, batch_size, Way("", shared=True)).loss(range(batch_size))
            if way.shared
            else plain[1]
        )
        rate, ratio, apart = batch_size / arm.seconds, plain[0] / arm.seconds, abs(loss / alone - 1)
        print(
            f"{way.name:55} {rate:8.2f} examples/s  {ratio:5.2f} x  padding {arm.padding:.1%}, loss apart {apart:.0e}",
            flush=True,
        )


def _arm(
    shape: str, device: str, data: Sequence[Sequence[EncodedTarget]], batch_size: int, way: Way
) -> Arm:
    model = build(shape, device).train()
    if way.settled:  # for the rest of the process
        tune_cpu()
    if way.lean:
        fuse_layers(model)
    data = prompted(data) if way.shared else data
    sampler = StepSampler(len(data), batch_size=batch_size, steps=1000, seed=0)
    if way.collator is None:
        step = plain_step(
            torch.compile(model, dynamic=True) if way.compiled else model, data, device, way.bf16
        )
    else:
        step = our_step(model, data, device, way.collator, way.bf16)
    share = padding(data, [sampler.step(number) for number in range(64)], way.collator)
    optimizer = torch.optim.AdamW(
        model.parameters(), lr=5e-5, weight_decay=0.0, fused=way.fused or None
    )
    return Arm(way.name, step, iter(sampler), optimizer, model, padding=share)


def pass_tokens(shape: str, device: str) -> float:
    """Tokens that a pass is worth, as `fit` reckons it."""
    flops = float(
        training_flops(_shape(shape), np.array([41.0]), target_tokens=np.array([16.0]))[0]
    )
    parameters = sum(parameter.numel() for parameter in build(shape, "meta").parameters())
    return pass_flops(torch.device(device), parameters) / (flops / 57)


def _shape(shape: str) -> EncoderDecoder:
    config = T5Config(
        vocab_size=VOCABULARY,
        feed_forward_proj="gated-gelu",
        tie_word_embeddings=False,
        **SHAPES[shape],
    )
    return EncoderDecoder.from_config(config.to_dict())


def passes(shapes: Sequence[str], device: str) -> None:
    """Seconds of a pass over 1 sequence and over many, and from both what a pass costs by itself."""
    for shape in shapes:
        model = build(shape, device).train()
        data, collator, counts = examples(64), Collator(TASKS, 0), (1, 48)
        step = our_step(model, data, device, collator, bf16=device != "cpu")
        seconds, tokens = [], []
        for count in counts:
            for example in data:  # all alike, so that nothing is padding
                example[:] = [EncodedTarget(TASKS[1], 1.0, [5] * 40, [6] * 15 + [1])]
            times = []
            for _ in range(4):
                _wait()
                started = time.monotonic()
                step(range(count))
                _wait()
                times.append(time.monotonic() - started)
            seconds.append(min(times))
            tokens.append(56 * count)
        each = (seconds[1] - seconds[0]) / (tokens[1] - tokens[0])
        flops = (
            float(
                training_flops(_shape(shape), np.array([40.0]), target_tokens=np.array([16.0]))[0]
            )
            / 56
        )
        alone = max(0.0, seconds[0] - tokens[0] * each)
        print(
            f"{shape}: {1 / each:,.0f} tokens/s ({flops / each / 1e9:,.0f} GFLOP/s); a pass alone takes {alone * 1e3:.0f} ms, "
            f"the time of {alone / each:,.0f} tokens or {alone / each * flops / 1e9:,.1f} GFLOP",
            flush=True,
        )


def describe(device: str) -> str:
    """The device, and of a processor what it can multiply."""
    if device != "cpu":
        return f"{torch.cuda.get_device_name(device)}, PyTorch {torch.__version__}"
    can = {name for name, has in torch.cpu.get_capabilities().items() if has is True}
    shown = sorted(can & {"avx2", "avx512_f", "avx512_vnni", "avx512_bf16", "amx_bf16"})
    return f"{torch.get_num_threads()} threads of a CPU with {', '.join(shown)}, PyTorch {torch.__version__}"


def _wait() -> None:
    if torch.cuda.is_available():
        torch.cuda.synchronize()


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("what", choices=["train", "passes", "decoder"])
    parser.add_argument(
        "--shapes",
        default="small",
        help="comma-separated: mini, small, base, large, 3b, 11b; decoder: gemma-mini, gemma4",
    )
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--batch-size", type=int, default=64)
    parser.add_argument(
        "--steps", type=int, default=2, help="timed steps of every arm; the shortest counts"
    )
    parser.add_argument(
        "--bf16", action="store_true", help="with bf16 as well, where the device multiplies it"
    )
    parser.add_argument(
        "--compile",
        action="store_true",
        help="with torch.compile as well, which takes minutes to start",
    )
    parser.add_argument(
        "--arms", default="", help="only arms whose names hold one of these, comma-separated"
    )
    parser.add_argument("--rows", type=int, default=8, help="decoder: rows of a pass of theirs")
    parser.add_argument(
        "--answers", default="", help="decoder: a run of generate whose pairs are learned"
    )
    parser.add_argument("--student", default="", help="decoder: the folder of its tokenizer")
    given = parser.parse_args()
    shapes = given.shapes.split(",")
    torch.set_flush_denormal(True)
    if given.what == "passes":
        passes(shapes, given.device)
    if given.what == "decoder":
        import decoder

        known = decoder.real_examples(given.answers, given.student) if given.answers else None
        for shape in shapes:
            decoder.compare(
                shape,
                batch_size=given.batch_size,
                steps=given.steps,
                rows=given.rows,
                bf16=given.bf16,
                data=known,
            )
    for shape in shapes if given.what == "train" else ():
        options = [part for part in given.arms.split(",") if part]
        how = {
            "steps": given.steps,
            "bf16": given.bf16,
            "compiled": given.compile,
            "options": options,
        }
        train(shape, given.device, batch_size=given.batch_size, **how)


if __name__ == "__main__":
    main()
