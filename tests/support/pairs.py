"""Training pairs of unequal lengths, and their tokens."""

from typing import Any

from dsbs.core.records import Target, TrainPair
from dsbs.student.codec import Codec
from dsbs.student.encoding import EncodedTarget, encode_pairs
from dsbs.student.model import load_tokenizer

PREFIXES = {"label": "[label] ", "rationale": "[rationale] "}

PAIRS = [
    TrainPair(
        str(n), "input " + "word " * (n % 5), (Target("label", f"label {n % 3}", 0.5), *rationale)
    )
    for n, rationale in enumerate(
        [
            (Target("rationale", "because " + "so " * (3 * n), 0.5),) for n in range(4)
        ]  # unequal lengths
        + [()] * 4  # a micro-batch without any rationale
        + [(Target("rationale", "because", 0.5),)] * 3  # a last partial batch
    )
]


def encoded(pairs: list[TrainPair], tokenizer: Any) -> list[list[EncodedTarget]]:
    limits = {"max_input_tokens": 64, "max_target_tokens": 64}
    return encode_pairs(pairs, Codec(tokenizer), prefixes=PREFIXES, **limits).examples


def pairs_tokenizer() -> Any:
    """A tokenizer trained on the texts of the pairs."""
    texts = [text for pair in PAIRS for text in (pair.input, *(t.text for t in pair.targets))]
    return load_tokenizer("tiny", lambda: [*texts, *PREFIXES.values()])
