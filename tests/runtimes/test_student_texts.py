"""An export builds the token ids that its student was trained with."""

from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from support.decoder_tokenizers import continued_tokenizer, started_tokenizer
from support.lossy_tokenizer import lossy_tokenizer

pytest.importorskip("transformers")
TEXTS = ["duck says 0 times", "", "  spaced  out ", "naïve 東京 🙂", "x </s> y<pad>z", "a\nb<end>"]
LIMIT = 5


def ended_tokenizer() -> Any:
    """One that ends every text by itself."""
    from tokenizers import processors

    found = continued_tokenizer()
    found.backend_tokenizer.post_processor = processors.TemplateProcessing(
        single="$A <end>", special_tokens=[("<end>", 1)]
    )
    return found


def pair(folder: Path, tokenizer: Any, family: str) -> tuple[Any, Any]:
    """How a student's texts become token ids, in training and in an export."""
    from transformers import PreTrainedConfig

    from dsbs.artifacts.student_card import ExportFacts
    from dsbs.runtimes.student_texts import texts_of
    from dsbs.runtimes.text_tokens import load_tokens
    from dsbs.student.families import FAMILIES

    tokenizer.save_pretrained(folder)
    codec = FAMILIES[family].codec(tokenizer, PreTrainedConfig())
    facts = ExportFacts(
        target="ctranslate2",
        family=family,
        source="",
        start_id=-1,
        end_ids=(codec.end,),
        pad_id=0,
        separator=codec.separator,
    )
    return codec, texts_of(load_tokens(folder), facts)


def check_same(codec: Any, ours: Any, texts: list[str]) -> None:
    cut = [codec.cut_input(ids, LIMIT) for ids in codec.inputs(texts)]
    assert ours.inputs(texts, LIMIT) == cut
    assert ours.inputs(texts, 10**6) == codec.inputs(texts)
    assert ours.targets(texts) == codec.targets(texts) == codec.unended(texts, ended=True)
    assert ours.begin(texts) == [codec.begin(text) for text in texts]
    assert [ours.prompt(text) for text in texts] == [list(codec.prompt(text)) for text in texts]


@pytest.mark.parametrize("make", [continued_tokenizer, started_tokenizer, ended_tokenizer])
def test_a_decoder_only_student(tmp_path: Path, make: Any) -> None:
    check_same(*pair(tmp_path, make(), "decoder-only"), TEXTS)


def test_an_encoder_decoder(tmp_path: Path) -> None:
    check_same(*pair(tmp_path, lossy_tokenizer(), "encoder-decoder"), TEXTS)


@settings(max_examples=50, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.text(alphabet=st.characters(exclude_categories=["Cs"]), max_size=20)))
def test_any_text(tmp_path: Path, texts: list[str]) -> None:
    codec, ours = pair(tmp_path, started_tokenizer(), "decoder-only")
    if texts:
        check_same(codec, ours, texts)
