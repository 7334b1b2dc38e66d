"""T5's layers in fewer passes, several micro-batches in one, and reading in bf16: faster, and the same."""

import copy

import pytest
import torch
from transformers import T5Config, T5ForConditionalGeneration

from dsbs.student import two_precision as reading
from dsbs.student.decode import generate_texts
from dsbs.student.encoding import EncodedTarget
from dsbs.student.score import Candidates, score_labels
from dsbs.student.t5.dropout import dropout
from dsbs.student.t5.fused_layers import lean, packs
from dsbs.student.tokenizer import train_tokenizer
from dsbs.training.batching import Collator
from dsbs.training.objective import Objective

WORDS = [
    f"{colour} {thing}"
    for colour in ("red", "green", "dark blue")
    for thing in ("apple", "boat", "hill")
]


@pytest.fixture(scope="module")
def tokenizer():
    return train_tokenizer(WORDS, 300)


@pytest.fixture(scope="module", params=["gated-gelu", "relu"])
def student(request, tokenizer):
    """A random T5 as transformers computes it."""
    torch.manual_seed(0)
    config = T5Config(
        vocab_size=len(tokenizer), d_model=32, d_kv=8, d_ff=48, num_layers=2, num_heads=3, feed_forward_proj=request.param,
        pad_token_id=0, eos_token_id=1, decoder_start_token_id=0, tie_word_embeddings=False,
    )  # fmt: skip
    return T5ForConditionalGeneration(config).eval()


def sequences(count: int) -> list[list[EncodedTarget]]:
    draw = torch.Generator().manual_seed(0)
    widths = torch.randint(2, 14, (count, 2, 2), generator=draw).tolist()
    texts = [
        [[torch.randint(3, 90, (w,), generator=draw).tolist() for w in pair] for pair in one]
        for one in widths
    ]
    return [
        [
            EncodedTarget(task, 0.5, *pair)
            for task, pair in zip(("label", "rationale"), one, strict=True)
        ]
        for one in texts
    ]


def loss_and_gradients(model, collator: Collator):
    step = collator(sequences(12))
    passes = list(collator.passes(step["micro_batches"]))
    model.zero_grad()
    loss = torch.stack(
        [Objective().of_pass(model, batches, step["sizes"]) for batches in passes]
    ).sum()
    loss.backward()
    return loss.detach(), {name: weight.grad for name, weight in model.named_parameters()}, passes


def test_fewer_passes_over_memory_and_one_pass_for_all_give_the_same_loss_and_gradients(
    student,
) -> None:
    tasks, model = ("label", "rationale"), lean(copy.deepcopy(student))
    loss, gradients, _ = loss_and_gradients(student, Collator(tasks, 0))
    for collator in (
        Collator(tasks, 0),
        Collator(tasks, 0, packs=packs(model)),
        Collator(tasks, 0, packs=True, most=150),
    ):
        if collator.packs and not packs(model):
            pytest.skip("an accelerator has its own attention")
        found, apart, passes = loss_and_gradients(model, collator)
        torch.testing.assert_close(found, loss)
        for name, gradient in gradients.items():
            torch.testing.assert_close(apart[name], gradient, rtol=1e-4, atol=1e-6, msg=name)
        if collator.most == 150:
            assert len(passes) > 1
            assert all(sum(batch.tokens for batch in batches) <= 150 for batches in passes)
    assert model.state_dict().keys() == student.state_dict().keys()


def test_greedy_texts_are_those_of_generate_and_scores_those_of_one_pass(
    student, tokenizer
) -> None:
    model = lean(copy.deepcopy(student))
    ids = tokenizer(WORDS, return_tensors="pt", padding=True)
    plain = tokenizer.batch_decode(
        student.generate(**ids, max_new_tokens=6, do_sample=False), skip_special_tokens=True
    )
    assert generate_texts(
        model, tokenizer, WORDS, max_input_tokens=64, max_new_tokens=6, batch_size=4
    ) == [text.strip() for text in plain]
    labels = ("red", "green apple", "dark blue hill")
    scores = score_labels(
        model, tokenizer, [Candidates(w, labels) for w in WORDS], max_input_tokens=64, batch_size=4
    )
    for row, found in zip(WORDS, scores, strict=True):
        for label in labels:
            inputs, target = (
                tokenizer(row, return_tensors="pt"),
                tokenizer(text_target=label, return_tensors="pt").input_ids,
            )
            said = (
                student(**inputs, labels=target)
                .logits.log_softmax(-1)
                .gather(-1, target[..., None])
                .sum()
            )
            assert found[label] == pytest.approx(said.item(), rel=1e-4)


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
        monkeypatch.setattr(reading, "pays_in_bf16", lambda model, half=half: half)
        texts[half] = generate_texts(
            lean(student), tokenizer, rows, **settings, max_new_tokens=6, on_batch=told.append
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


def test_dropout_drops_its_share_scales_the_rest_and_lets_the_same_places_learn() -> None:
    torch.manual_seed(0)
    x = torch.ones(300, 501, requires_grad=True)
    found = dropout(x, 0.1)
    found.sum().backward()
    assert (found == 0).float().mean().item() == pytest.approx(0.1, abs=0.003)
    assert found.max().item() == pytest.approx(1 / 0.9)
    assert torch.equal(x.grad, found)
    assert not torch.equal(dropout(x, 0.1), found)
    assert dropout(x, 0.0) is x
