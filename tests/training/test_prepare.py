"""What is known of a training before it starts."""

from pathlib import Path

import pytest

from dsbs.training.batching import Collator
from dsbs.training.prepare import prepare
from support.trainings import data_of, settings_of


@pytest.mark.parametrize("pass_cost", [100, 20])
def test_micro_batches_of_commonsense_qa_hold_little_padding(
    cqa_palm: Path, pass_cost: float
) -> None:
    data = data_of(answers=cqa_palm)
    prepared = prepare(settings_of(data, student="tiny", batch_size=64, max_steps=50), data)
    examples = prepared.encoded.examples
    steps = [[examples[i] for i in step] for step in prepared.sampler()]
    collator = Collator(prepared.encoded.tasks, 0, pass_cost=pass_cost)
    padded = sum(part.tokens for step in steps for part in collator(step).micro_batches)
    sequences = [sequence for step in steps for example in step for sequence in example]
    real = sum(len(s.input_ids) + len(s.target_ids) for s in sequences)
    assert 1 - real / padded < 0.2
    assert prepared.totals(prepared.training.optimization.max_steps).sequences_seen == len(
        sequences
    )
