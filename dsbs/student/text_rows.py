"""Rows of token ids as one micro-batch, for students that write text."""

from collections.abc import Sequence

import torch

from dsbs.student.encoding import EncodedTarget
from dsbs.student.padding import IGNORED, MicroBatch, pad_rows


def text_rows(
    rows: Sequence[Sequence[EncodedTarget]], tasks: Sequence[str], pad: int
) -> MicroBatch:
    """Rows of an input and its targets as one padded micro-batch."""
    sequences = [sequence for row in rows for sequence in row]
    decoder_ids: list[list[int]] = []
    labels: list[list[int]] = []
    owner: list[list[int]] = []
    number = 0
    for row in rows:
        decoder_ids.append([i for s in row for i in (*s.prompt, *s.target_ids)])
        labels.append([i for s in row for i in (*[IGNORED] * len(s.prompt), *s.target_ids)])
        owner.append([n for n, s in enumerate(row, number) for _ in range(s.decoder_tokens)])
        number += len(row)
    own_candidates = [(s.prompt, ids) for s in sequences for ids in s.candidates]
    candidates = [[*prompt, *ids] for prompt, ids in own_candidates]
    candidate_labels = [[*[IGNORED] * len(prompt), *ids] for prompt, ids in own_candidates]
    return MicroBatch(
        input_ids=pad_rows([row[0].input_ids for row in rows], pad),
        attention_mask=pad_rows([[1] * len(row[0].input_ids) for row in rows], 0),
        decoder_ids=pad_rows(decoder_ids, IGNORED),
        labels=pad_rows(labels, IGNORED),
        owner=pad_rows(owner, -1),
        task=torch.tensor([tasks.index(s.task) for s in sequences]),
        weight=torch.tensor([s.weight for s in sequences]),
        scale=torch.ones(len(sequences)),
        number=torch.tensor([s.number for s in sequences]),
        candidates=pad_rows(candidates, IGNORED),
        candidate_labels=pad_rows(candidate_labels, IGNORED),
        candidate_owner=torch.tensor(
            [n for n, s in enumerate(sequences) for _ in s.candidates], dtype=torch.long
        ),
        probabilities=torch.tensor([p for s in sequences for p in s.probabilities]),
    )
