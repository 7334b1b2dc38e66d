"""Tokenizers without transformers give what those of transformers give."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dsbs.core.errors import InputError
from dsbs.runtimes.text_tokens import ByteTokens, load_tokens
from support.lossy_tokenizer import lossy_tokenizer

TEXTS = ["[label] a junior clerk", "", "  spaced  out ", "naïve 東京 🙂", "x </s> y<pad>z", "a\nb"]


def test_a_fast_tokenizer(tmp_path: Path) -> None:
    pytest.importorskip("transformers")
    theirs = lossy_tokenizer()
    theirs.save_pretrained(tmp_path)
    ours = load_tokens(tmp_path)
    assert ours.encode(TEXTS) == theirs(TEXTS).input_ids
    bare = theirs(TEXTS, add_special_tokens=False).input_ids
    assert ours.encode_bare(TEXTS) == bare
    decoded = theirs.batch_decode(bare, skip_special_tokens=True)
    assert [ours.decode(ids) for ids in bare] == decoded


def test_the_bytes_of_byt5(tmp_path: Path) -> None:
    transformers = pytest.importorskip("transformers")
    theirs = transformers.ByT5Tokenizer()
    theirs.save_pretrained(tmp_path)
    ours = load_tokens(tmp_path)
    texts = [*TEXTS, "a <extra_id_3> b"]
    assert ours.encode(texts) == theirs(texts).input_ids
    for ids in ours.encode(texts):
        assert ours.decode(ids) == theirs.decode(ids, skip_special_tokens=True)


@given(st.text(alphabet=st.characters(exclude_categories=["Cs"]), max_size=30))
def test_bytes_come_back(text: str) -> None:
    tokens = ByteTokens({})
    assert "<" in text or tokens.decode(tokens.encode([text])[0]) == text


def test_a_folder_without_a_tokenizer_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"expected tokenizer\.json; export the student again"):
        load_tokens(tmp_path)
