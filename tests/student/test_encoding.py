"""Texts as tokens: limits, and what they cut."""

from typing import Any

import pytest

from dsbs.student.codec import Codec
from dsbs.student.encoding import encode_pairs
from support.pairs import PAIRS, PREFIXES, encoded, pairs_tokenizer


@pytest.fixture(scope="module")
def tokenizer() -> Any:
    return pairs_tokenizer()


def test_long_texts_are_cut_at_the_limit_with_their_end_token_and_counted(tokenizer: Any) -> None:
    found = encode_pairs(
        PAIRS, Codec(tokenizer), prefixes=PREFIXES, max_input_tokens=9, max_target_tokens=6
    )
    targets = [target for example in found.examples for target in example]
    assert max(len(t.input_ids) for t in targets) == 9
    assert max(len(t.target_ids) for t in targets) == 6
    assert all(t.target_ids[-1] == t.input_ids[-1] == tokenizer.eos_token_id for t in targets)
    whole = [target for example in encoded(PAIRS, tokenizer) for target in example]
    assert found.cut_targets == sum(len(t.target_ids) > 6 for t in whole) > 0
    assert found.cut_inputs == sum(len(t.input_ids) > 9 for t in whole) > 0
