"""Training rows of an encoder: an input with its class, or with each of its options."""

from collections.abc import Mapping, Sequence

import torch

from dsbs.core.errors import InputError
from dsbs.core.records import LABEL, TrainPair
from dsbs.student.encoder.codec import EncoderCodec
from dsbs.student.encoding import Encoded, EncodedTarget
from dsbs.student.padding import MicroBatch, pad_rows


def encode_choices(
    pairs: Sequence[TrainPair],
    codec: EncoderCodec,
    *,
    options: Mapping[str, Sequence[str]],
    max_input_tokens: int,
) -> Encoded:
    """Every pair as one sequence whose target is the number of its label.

    Args:
        pairs: The training pairs, with one label each.
        codec: The student's.
        options: The allowed labels of each example's id.
        max_input_tokens: Longer inputs are cut.

    Raises:
        InputError: A label is none of its row's options.
    """
    per_option = codec.per_option
    texts = []
    for pair in pairs:
        own = options[pair.example_id] if per_option else ()
        texts += [codec.with_option(pair.input, option) for option in own] or [pair.input]
    ids = iter(codec.inputs(texts))
    sequences = []
    cut_inputs = 0
    for number, pair in enumerate(pairs):
        own = options[pair.example_id]
        rows = [next(ids) for _ in own] if per_option else [next(ids)]
        kept = [codec.cut_input(row, max_input_tokens) for row in rows]
        cut_inputs += any(len(row) > len(short) for row, short in zip(rows, kept, strict=True))
        soft = pair.distribution or {}
        sequences.append(
            EncodedTarget(
                task=LABEL,
                weight=pair.targets[0].weight,
                input_ids=[] if per_option else kept[0],
                target_ids=[_number(pair, own)],
                number=number,
                probabilities=tuple(soft.get(option, 0.0) for option in own if soft),
                options=tuple(kept) if per_option else (),
            )
        )
    return Encoded([[one] for one in sequences], (LABEL,), cut_inputs, cut_targets=0)


def option_rows(sequences: Sequence[EncodedTarget], pad: int) -> MicroBatch:
    """Sequences as one padded micro-batch: R rows are inputs, or inputs with an option.

    `labels` are numbers of classes or options. `candidate_owner` and `probabilities` are of all
    options, or of all classes where a distribution is learned.
    """
    texts = [ids for s in sequences for ids in s.options or (s.input_ids,)]
    classes = max((len(s.probabilities) for s in sequences), default=0)
    counts = [len(s.options) or classes or 1 for s in sequences]
    owner = [n for n, count in enumerate(counts) for _ in range(count)]
    probabilities: list[float] = []
    for sequence, count in zip(sequences, counts, strict=True):
        probabilities += (sequence.probabilities or (0.0,) * count) if classes else ()
    numbers = torch.arange(len(sequences))
    labels = torch.tensor([s.target_ids for s in sequences])
    return MicroBatch(
        input_ids=pad_rows(texts, pad),
        attention_mask=pad_rows([[1] * len(ids) for ids in texts], 0),
        decoder_ids=labels,
        labels=labels,
        owner=numbers[:, None],
        task=torch.zeros_like(numbers),
        weight=torch.tensor([s.weight for s in sequences]),
        scale=torch.ones(len(sequences)),
        number=torch.tensor([s.number for s in sequences]),
        candidates=labels[:0],
        candidate_labels=labels[:0],
        candidate_owner=torch.tensor(owner, dtype=torch.long),
        probabilities=torch.tensor(probabilities),
    )


def _number(pair: TrainPair, options: Sequence[str]) -> int:
    """The place of the pair's label among its row's options."""
    label = pair.targets[0].text
    if label in options:
        return list(options).index(label)
    raise InputError(
        f"row {pair.example_id}",
        got=f"the label {label!r}",
        expected=f"one of {', '.join(map(repr, options))}",
        fix="correct the row, or use a student that writes text",
    )
