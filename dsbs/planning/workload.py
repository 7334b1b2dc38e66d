"""What a distillation has to read, write and learn: tokens of teacher and student, operations and time of each.

Tokens are counted without a model library: by a tokenizer where there is one, else by characters.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from dsbs.config.presets import Preset
from dsbs.core.errors import InputError
from dsbs.core.records import LABEL, RATIONALE, Example, Method, Rationale
from dsbs.distillation.methods import make_pair
from dsbs.planning.hardware import Accelerator
from dsbs.scaling.flops import EncoderDecoder, decoder_flops_per_token, training_flops
from dsbs.tasks.prompts import demonstrations, prompt_prefix, render_answer, render_question
from dsbs.tasks.task import Task

Array = NDArray[Any]
PREFIXES = {LABEL: "[label] ", RATIONALE: "[rationale] "}
_CHARACTERS_PER_TOKEN = (
    4  # OpenAI's rule of thumb for English text; other languages and code need more tokens
)


@dataclass(frozen=True)
class Counter:
    """`count` gives tokens of each text, special tokens and chat template left out; `says` is what the count rests on."""

    count: Callable[[Sequence[str]], list[int]]
    says: str


def counter(whose: str, model: str, tokenizer: str | None) -> Counter:
    """The tokenizer that is named, else the model's own if it is on this machine, else an estimate. Nothing is downloaded
    unless it is named.

    `tokenizer`: a folder, a tokenizer.json, or a hub name. InputError where it does not load.
    """
    if tokenizer is not None:
        return _by(_load(tokenizer), f"{whose} tokens counted by the tokenizer {tokenizer}")
    if (path := _local(model)) is not None:
        return _by(_load(str(path)), f"{whose} tokens counted by the tokenizer of {model}")
    flag = "--tokenizer" if whose == "teacher" else "--student-tokenizer"
    says = f"{whose} tokens ESTIMATED as {_CHARACTERS_PER_TOKEN} characters each, a rule for English: {flag} would count them"
    return Counter(
        lambda texts: [max(1, round(len(text) / _CHARACTERS_PER_TOKEN)) for text in texts], says
    )


def _by(tokenizer: Any, says: str) -> Counter:
    def count(texts: Sequence[str]) -> list[int]:
        return [
            len(encoding.ids)
            for encoding in tokenizer.encode_batch(list(texts), add_special_tokens=False)
        ]

    return Counter(count, says)


def _local(model: str) -> Path | None:
    """The tokenizer.json of a model's folder, or of the hub's cache."""
    if (Path(model) / "tokenizer.json").is_file():
        return Path(model) / "tokenizer.json"
    if model.count("/") != 1 or Path(model).exists():
        return None
    from huggingface_hub import try_to_load_from_cache

    cached = try_to_load_from_cache(model, "tokenizer.json")
    return Path(cached) if isinstance(cached, str) else None


def _load(name: str) -> Any:
    from tokenizers import Tokenizer

    path = Path(name) / "tokenizer.json" if Path(name).is_dir() else Path(name)
    if name.endswith(".json") and not path.is_file():  # no hub name, so nobody needs to be asked
        raise InputError(
            name, got="no such file", expected="a tokenizer.json", fix="check the path"
        )
    try:
        return Tokenizer.from_file(str(path)) if path.exists() else Tokenizer.from_pretrained(name)
    except Exception as error:  # the library raises plain Exception for a broken file
        expected = "a folder with tokenizer.json, such a file, or a hub name that has one"
        raise InputError(
            name, got=str(error).splitlines()[0], expected=expected, fix="check path and network"
        ) from None


class TeacherTokens(NamedTuple):
    """What a teacher reads and writes for all rows. The shared prefix is read once and found in the cache after that."""

    prefix: int
    questions: float
    cached: float
    answers: float
    per_prompt: float


class Sequences(NamedTuple):
    """Lengths of the sequences that one example teaches: (kinds, samples) inputs and (kinds, demonstrations) targets."""

    inputs: Array
    targets: Array


def sample_rows(task: Task, data: Path | None, size: int) -> tuple[list[Example], int | None]:
    """Evenly spaced training rows of the data and how many there are; the demonstrations and None without data."""
    if data is None:
        return [example for example, _, _ in demonstrations(task)], None
    from dsbs.data.load import load_data

    rows = load_data(task, data).with_validation().splits.get("train", ())
    if not rows:
        raise InputError(
            "--data",
            got="no training rows",
            expected="rows to measure on",
            fix="name a file with train rows",
        )
    return list(rows[:: max(1, len(rows) // size)]), len(rows)


def teacher_tokens(
    task: Task, examples: Sequence[Example], rows: int, count: Counter
) -> TeacherTokens:
    """Prompt tokens of the sample scaled to `rows`; answer tokens as the demonstrations' answers have them."""
    prefix = prompt_prefix(task)
    (shared,) = count.count([prefix])
    # Counted behind the prefix, because a tokenizer may join what stands at the seam.
    questions = np.mean(count.count([prefix + render_question(task, e) for e in examples])) - shared
    answers = np.mean(count.count([render_answer(task, *shown) for shown in demonstrations(task)]))
    fresh = float(rows * questions)
    per_prompt = float(shared + questions + answers)
    return TeacherTokens(
        shared, fresh, float(shared) * (rows - 1), float(rows * answers), per_prompt
    )


def student_sequences(
    task: Task, examples: Sequence[Example], method: Method, count: Counter, settings: Preset
) -> Sequences:
    """Lengths, cut to the student's limits, with the end token that T5 adds."""
    pairs = [
        make_pair(
            example, label, [Rationale(rationale)], method=method, alpha=0.5, prefixes=PREFIXES
        )
        for example, rationale, label in demonstrations(task)
    ]
    kinds = [target.task for target in pairs[0].targets]
    inputs = [count.count([PREFIXES[kind] + e.input for e in examples]) for kind in kinds]
    targets = [count.count([pair.targets[at].text for pair in pairs]) for at in range(len(kinds))]
    return Sequences(
        np.minimum(np.array(inputs) + 1, settings.max_input_tokens),
        np.minimum(np.array(targets) + 1, settings.max_target_tokens),
    )


def student_flops(shape: EncoderDecoder, sequences: Sequences, examples_seen: int) -> float:
    """Training operations of all examples: the mean over every sampled input with every demonstration's target."""
    pairs = training_flops(
        shape, sequences.inputs[:, :, None], target_tokens=sequences.targets[:, None, :]
    )
    return float(examples_seen * pairs.mean(axis=(1, 2)).sum())


class TeacherTime(NamedTuple):
    """Device-seconds of reading prompts and of writing answers."""

    reading: float
    writing: float


def teacher_time(
    params: float,
    tokens: TeacherTokens,
    device: Accelerator,
    *,
    utilisation: float,
    concurrency: int,
) -> TeacherTime:
    """Device-seconds on one kind of device, in bfloat16.

    Reading takes F(N) operations a token that the cache does not hold, at `utilisation` of the peak. Writing goes in steps of
    `concurrency` tokens: each takes as long as their operations or as reading all weights (2 N bytes) once, whichever is
    longer. A model split over devices takes as many device-seconds. Reading the keys and values of the context, which
    counts for long prompts, is left out.
    """
    forward = decoder_flops_per_token(params, n_ctx=tokens.per_prompt)
    speed = utilisation * device.flops
    step = max(concurrency * forward / speed, 2 * params / device.bandwidth)
    return TeacherTime(
        (tokens.prefix + tokens.questions) * forward / speed, tokens.answers / concurrency * step
    )
