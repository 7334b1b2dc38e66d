"""The token ids of a decoder-only student's texts."""

import copy

from transformers import PreTrainedConfig

from dsbs.student.decoder_only.codec import ContinuedCodec
from dsbs.student.decoder_only.family import DECODER_ONLY
from support.pairs import pairs_tokenizer


def test_parts_follow_one_another_and_only_the_target_ends() -> None:
    tokenizer = pairs_tokenizer()
    codec = DECODER_ONLY.codec(tokenizer, PreTrainedConfig())
    (ids,) = codec.inputs(["input word"])
    (target,) = codec.targets(["label 1"])
    assert codec.end not in ids
    assert target[-1] == codec.end
    whole = tokenizer.decode([*ids, *codec.prompt("[label] "), *target], skip_special_tokens=True)
    assert whole.split() == ["input", "word", "[label]", "label", "1"]
    assert "\n[label]" in whole
    assert codec.labels(["label 1"]) == [target]
    assert codec.labels(["label 1"], after="because") == codec.unended(["label 1 because"])
    assert codec.cut_input([5, 6, 7], 2) == [5, 6]


def test_what_joins_two_sentences_is_the_students_own_end_token() -> None:
    tokenizer = copy.deepcopy(pairs_tokenizer())  # it is shared by all tests
    tokenizer.add_special_tokens({"eos_token": "<end>"})
    codec = ContinuedCodec(tokenizer)
    (joined,) = codec.inputs(["input</s>word"])
    assert joined.count(tokenizer.eos_token_id) == 1
    assert joined == codec.inputs(["input<end>word"])[0]
