"""T5's layers in fewer passes, and several micro-batches in one: faster, and the same."""

import copy

import pytest
import torch
from transformers import T5Config, T5ForConditionalGeneration

from dsbs.student.candidates import Candidates
from dsbs.student.decode import generate_texts
from dsbs.student.encoding import EncodedTarget
from dsbs.student.score import score_labels
from dsbs.student.t5.fused_layers import can_pack, fuse_layers
from dsbs.training.batching import Collator
from dsbs.training.objective import Objective
from support.words import WORDS


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
    passes = list(collator.passes(step.micro_batches))
    model.zero_grad()
    loss = torch.stack(
        [Objective().of_pass(model, batches, step.sizes) for batches in passes]
    ).sum()
    loss.backward()
    return loss.detach(), {name: weight.grad for name, weight in model.named_parameters()}, passes


def test_fewer_passes_over_memory_and_one_pass_for_all_give_the_same_loss_and_gradients(
    student,
) -> None:
    tasks, model = ("label", "rationale"), fuse_layers(copy.deepcopy(student))
    loss, gradients, _ = loss_and_gradients(student, Collator(tasks, 0))
    for collator in (
        Collator(tasks, 0),
        Collator(tasks, 0, packs=can_pack(model)),
        Collator(tasks, 0, packs=True, max_tokens=150),
    ):
        if collator.packs and not can_pack(model):
            pytest.skip("an accelerator has its own attention")
        found, apart, passes = loss_and_gradients(model, collator)
        torch.testing.assert_close(found, loss)
        for name, gradient in gradients.items():
            torch.testing.assert_close(apart[name], gradient, rtol=1e-4, atol=1e-6, msg=name)
        if collator.max_tokens == 150:
            assert len(passes) > 1
            assert all(sum(batch.tokens for batch in batches) <= 150 for batches in passes)
    assert model.state_dict().keys() == student.state_dict().keys()


def test_greedy_texts_are_those_of_generate_and_scores_those_of_one_pass(
    student, tokenizer
) -> None:
    model = fuse_layers(copy.deepcopy(student))
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
