"""Reading in bf16 what fp32 says."""

import torch
from transformers import T5Config, T5ForConditionalGeneration

from dsbs.student import two_precision as reading
from dsbs.student.candidates import Candidates
from dsbs.student.decode import generate_texts
from dsbs.student.score import score_labels
from dsbs.student.t5.fused_layers import fuse_layers
from support.words import WORDS


def test_what_is_read_in_bf16_is_what_fp32_says(tokenizer, monkeypatch) -> None:
    torch.manual_seed(1)
    config = T5Config(
        vocab_size=len(tokenizer), d_model=256, d_kv=32, d_ff=768, num_layers=3, num_heads=6, feed_forward_proj="gated-gelu",
        pad_token_id=0, eos_token_id=1, decoder_start_token_id=0,
    )  # fmt: skip
    student, rows = (
        T5ForConditionalGeneration(config).eval(),
        [f"{one} {other}" for one in WORDS for other in WORDS],
    )
    ids = tokenizer(rows, return_tensors="pt", padding=True)
    plain = tokenizer.batch_decode(
        student.generate(**ids, max_new_tokens=6, do_sample=False), skip_special_tokens=True
    )
    candidates, settings = (
        [Candidates(row, tuple(WORDS)) for row in rows],
        {"max_input_tokens": 64, "batch_size": 8},
    )
    texts, scores, told = {}, {}, []
    for half in (False, True):
        monkeypatch.setattr(reading, "faster_in_bf16", lambda model, half=half: half)
        texts[half] = generate_texts(
            fuse_layers(student),
            tokenizer,
            rows,
            **settings,
            max_new_tokens=6,
            on_batch=told.append,
        )
        scores[half] = score_labels(
            student, tokenizer, candidates, **settings, on_batch=told.append
        )
    assert texts[True] == texts[False] == [text.strip() for text in plain]
    assert sum(told) == 4 * len(rows)
    best = {half: [max(found, key=found.__getitem__) for found in scores[half]] for half in scores}
    assert best[True] == best[False]
    apart = [
        max(abs(a[label] - b[label]) for label in a)
        for a, b in zip(scores[False], scores[True], strict=True)
    ]
    leads = [sorted(found.values())[-1] - sorted(found.values())[-2] for found in scores[False]]
    assert max(apart) > 1e-3  # in bf16
    assert apart[leads.index(min(leads))] < 1e-4  # the closest one was read again
