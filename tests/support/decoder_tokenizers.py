"""Tokenizers as decoder-only models have them."""

from typing import Any

TEXTS = [
    "duck goose owl crow pig goat sheep horse dog says 0 1 2 3 4 times, because it has fur.",
    "bird mammal [label] [rationale] It has feathers. Input word\nnaïve",
]


def continued_tokenizer() -> Any:
    """Like Qwen's: bytes, and no start token."""
    return _of_bytes(["<pad>", "<end>"])


def started_tokenizer() -> Any:
    """Like Llama's and Gemma's: bytes behind a start token, and an end token of a chat."""
    from tokenizers import processors

    found = _of_bytes(["<pad>", "<end>", "<start>", "<unk>"])
    found.add_special_tokens({"bos_token": "<start>", "unk_token": "<unk>"})
    found.backend_tokenizer.post_processor = processors.TemplateProcessing(
        single="<start> $A", special_tokens=[("<start>", 2)]
    )
    found.chat_template = "{{ messages }}"
    return found


def converted_tokenizer(bos: str = "<bos>") -> Any:
    """Like that of a folder made from GGUF: it has a start token, and leaves it out."""
    found = _of_bytes(["<pad>", "<end>", bos])
    found.add_special_tokens({"bos_token": bos})
    return found


def _of_bytes(special: list[str]) -> Any:
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import PreTrainedTokenizerFast

    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=330,
        special_tokens=special,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(TEXTS, trainer)
    return PreTrainedTokenizerFast(tokenizer_object=tokenizer, pad_token="<pad>", eos_token="<end>")
