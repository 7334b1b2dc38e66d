"""Tokenizers of converted folders that leave out the token their model's texts began with."""

from pathlib import Path

import pytest

pytest.importorskip("transformers")

from transformers import AutoTokenizer, Gemma3ForCausalLM, Gemma3TextConfig

from dsbs.core.start_token import give_start_token
from dsbs.student.decoder_only.codec import ContinuedCodec
from dsbs.student.model import load_tokenizer
from dsbs.teachers.hf_engine import TransformersTeacher
from dsbs.teachers.protocol import EngineOptions, Idle, Prompt, Sampling
from dsbs.teachers.tokenizer_only import TokenizerTeacher
from support.decoder_tokenizers import continued_tokenizer, converted_tokenizer, started_tokenizer


@pytest.mark.parametrize("bos", ["<bos>", "<|begin_of_text|>"])
def test_what_is_left_out_is_added_said_and_saved(
    bos: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    tokenizer = converted_tokenizer(bos)
    plain = tokenizer("duck goose").input_ids
    assert give_start_token(tokenizer, "a/folder") == bos
    assert f"a/folder: its tokenizer leaves out {bos}" in capsys.readouterr().err
    assert tokenizer("duck goose").input_ids == [tokenizer.bos_token_id, *plain]
    assert tokenizer("duck goose", add_special_tokens=False).input_ids == plain
    tokenizer.save_pretrained(tmp_path)
    again = AutoTokenizer.from_pretrained(tmp_path)
    assert again("duck goose").input_ids == [tokenizer.bos_token_id, *plain]
    assert give_start_token(again, "a/folder") is None


def test_others_are_left_alone(capsys: pytest.CaptureFixture[str]) -> None:
    ruled_out = converted_tokenizer()
    ruled_out.init_kwargs["add_bos_token"] = False
    like_gpt2 = converted_tokenizer("<|endoftext|>")
    for tokenizer in (ruled_out, like_gpt2, continued_tokenizer(), started_tokenizer()):
        before = tokenizer("duck goose").input_ids
        assert give_start_token(tokenizer, "a/folder") is None
        assert tokenizer("duck goose").input_ids == before
    assert capsys.readouterr().err == ""


class Fixed:
    """A tokenizer of another library, which knows no such setting."""

    bos_token = "<bos>"
    bos_token_id = 2
    input_ids = (5,)

    def __call__(self, text: str) -> "Fixed":
        return self


def test_what_cannot_be_added_is_not_called_added(capsys: pytest.CaptureFixture[str]) -> None:
    assert give_start_token(Fixed(), "a/folder") is None
    assert "it cannot be added here, so mend its tokenizer.json" in capsys.readouterr().err


def test_students_and_teachers_begin_with_it(tmp_path: Path) -> None:
    tokenizer = converted_tokenizer()
    sizes = {"hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2, "head_dim": 16}
    heads = {"num_attention_heads": 2, "num_key_value_heads": 1}
    config = Gemma3TextConfig(
        vocab_size=len(tokenizer), eos_token_id=1, bos_token_id=2, **sizes, **heads
    )
    Gemma3ForCausalLM(config).save_pretrained(tmp_path)
    tokenizer.save_pretrained(tmp_path)
    (ids,) = ContinuedCodec(load_tokenizer(str(tmp_path), list)).inputs(["duck goose"])
    assert ids == [2, *tokenizer("duck goose").input_ids]
    options, sampling = EngineOptions(str(tmp_path), dtype="float32"), Sampling(max_new_tokens=1)
    with TransformersTeacher(options, sampling, device="cpu") as teacher:
        asked = [Prompt("1", "duck goose")]
        (answer,) = [c for c in teacher.complete(asked) if not isinstance(c, Idle)]
        assert answer.prompt_tokens == len(ids)
        assert teacher.identity["start_token"] == "<bos>"
        assert TokenizerTeacher(options, sampling).identity == teacher.identity
