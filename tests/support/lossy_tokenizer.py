"""A tokenizer like T5's: pieces of words, no newlines, and nothing that it has not read."""

from pathlib import Path
from typing import Any

TEXTS = [
    "junior clerk number 0123456789 senior boss income is > = 50K earns so A",
    "[label] [rationale] the quick brown fox jumps over the lazy dog. Input word because",
]


def lossy_tokenizer() -> Any:
    """Made anew: `<`, `{`, `}`, newlines, emoji and Chinese are not in its vocabulary."""
    from tokenizers import (
        Tokenizer,
        decoders,
        models,
        normalizers,
        pre_tokenizers,
        processors,
        trainers,
    )
    from transformers import PreTrainedTokenizerFast

    tokenizer = Tokenizer(models.Unigram())
    newline = normalizers.Replace("\n", " ")
    tokenizer.normalizer = normalizers.Sequence([newline, normalizers.Strip()])
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
    tokenizer.decoder = decoders.Metaspace()
    trainer = trainers.UnigramTrainer(
        vocab_size=120,
        special_tokens=["<pad>", "</s>", "<unk>"],
        unk_token="<unk>",
        show_progress=False,
    )
    tokenizer.train_from_iterator(TEXTS * 20, trainer)
    tokenizer.post_processor = processors.TemplateProcessing(
        single="$A </s>", special_tokens=[("</s>", 1)]
    )
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, pad_token="<pad>", eos_token="</s>", unk_token="<unk>"
    )


def save_lossy_student(folder: Path) -> None:
    """A T5 of random weights with this tokenizer, as any hub model is saved."""
    import torch
    from transformers import T5Config, T5ForConditionalGeneration

    tokenizer = lossy_tokenizer()
    torch.manual_seed(0)
    config = T5Config(
        vocab_size=len(tokenizer),
        d_model=16,
        d_kv=8,
        d_ff=16,
        num_layers=1,
        num_heads=2,
        decoder_start_token_id=0,
        pad_token_id=0,
        eos_token_id=1,
        feed_forward_proj="gated-gelu",
    )
    T5ForConditionalGeneration(config).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
