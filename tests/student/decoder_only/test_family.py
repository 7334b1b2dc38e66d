"""Decoder-only students in miniature: however rows are laid out, loss, gradient, texts and scores
are those of plain passes of transformers.
"""

from dataclasses import replace
from typing import Any

import pytest
import torch
from torch.nn import functional as F

from dsbs.core.records import Target, TrainPair
from dsbs.student.decode import generate_texts
from dsbs.student.decoder_only.family import DECODER_ONLY
from dsbs.student.padding import MicroBatch
from dsbs.student.score import Candidates, score_labels
from dsbs.training.batching import Collator
from dsbs.training.objective import Objective
from support.decoders import SHAPES, decoder, encoded_for_decoder, loss_by_hand, plain_decoder
from support.farm import Farm
from support.pairs import PAIRS, PREFIXES, pairs_tokenizer
from support.steps import step_loss
from support.trainings import data_of, rows_of

CLOSE: dict[str, float] = {"rtol": 1e-4, "atol": 1e-6}


@pytest.fixture(scope="module")
def tokenizer() -> Any:
    return pairs_tokenizer()


def gradients(model: Any) -> dict[str, torch.Tensor]:
    return {name: p.grad.clone() for name, p in model.named_parameters() if p.grad is not None}


def assert_same(found: dict[str, torch.Tensor], expected: dict[str, torch.Tensor]) -> None:
    assert found.keys() == expected.keys()
    for name, gradient in expected.items():
        torch.testing.assert_close(found[name], gradient, **CLOSE, msg=name)


@pytest.mark.parametrize("shape", SHAPES)
def test_loss_and_gradient_are_those_of_a_masked_cross_entropy_by_hand(
    shape: str, tokenizer: Any
) -> None:
    found = encoded_for_decoder(PAIRS, tokenizer)
    plain = plain_decoder(shape, tokenizer)
    expected = loss_by_hand(plain, found)
    expected.backward()
    model = decoder(shape, tokenizer)
    longest = max(len(s.input_ids) + s.decoder_tokens for e in found.examples for s in e)
    assert longest > 16  # the sliding window of Gemma in miniature
    ways: list[dict[str, Any]] = [
        {},  # padded in one micro-batch
        {"max_tokens": 150},  # in several, as 4 x 2 is 8 x 1
        {"packs": True},  # all in one row of tokens
        {"packs": True, "pass_tokens": 200, "max_tokens": 150},
    ]
    for way in ways:
        loss = step_loss(DECODER_ONLY, model, found, Objective(), **way)
        torch.testing.assert_close(loss, expected.detach())
        assert_same(gradients(model), gradients(plain))


@pytest.mark.parametrize("shape", SHAPES)
def test_padding_changes_nothing(shape: str, tokenizer: Any) -> None:
    model = decoder(shape, tokenizer)
    found = encoded_for_decoder(PAIRS, tokenizer)
    batch = Collator(found.tasks, 0, family=DECODER_ONLY)(found.examples).micro_batches[0]
    wider = replace(
        batch,
        input_ids=F.pad(batch.input_ids, (0, 9), value=5),
        attention_mask=F.pad(batch.attention_mask, (0, 9)),
        decoder_ids=F.pad(batch.decoder_ids, (0, 7), value=-100),
        labels=F.pad(batch.labels, (0, 7), value=-100),
        owner=F.pad(batch.owner, (0, 7), value=-1),
    )

    def logits(of: MicroBatch) -> torch.Tensor:
        return DECODER_ONLY.pass_logits(model, model, [of]).targets

    torch.testing.assert_close(logits(wider), logits(batch), **CLOSE)
    packed = DECODER_ONLY.pass_logits(model, model, [batch, wider]).targets
    torch.testing.assert_close(packed, torch.cat([logits(batch)] * 2), **CLOSE)


@pytest.mark.parametrize("shape", SHAPES)
def test_alpha_one_is_standard_in_loss_and_gradient(
    shape: str, tokenizer: Any, answered_farm: Farm
) -> None:
    data = data_of(answers=answered_farm.folder / "answered", task=str(answered_farm.task))
    model = decoder(shape, tokenizer)
    found = []
    for settings in ({"method": "step_by_step", "alpha": 1.0}, {"method": "standard"}):
        pairs = rows_of(data, allow_no_rationales=True, **settings).pairs[:12]
        loss = step_loss(DECODER_ONLY, model, encoded_for_decoder(pairs, tokenizer), Objective())
        found.append((loss, gradients(model)))
    (one, one_gradient), (standard, standard_gradient) = found
    assert one == standard
    assert all(torch.equal(one_gradient[name], g) for name, g in standard_gradient.items())
    half = rows_of(data, method="step_by_step", alpha=0.5).pairs[:12]
    assert step_loss(DECODER_ONLY, model, encoded_for_decoder(half, tokenizer), Objective()) != one


SOFT = [
    TrainPair(
        str(n),
        "input " + "word " * n,
        (Target("label", "label 1", 0.5), Target("rationale", "because so", 0.5)),
        {"label 0": 0.25, "label 1": 0.5, "label 2 word": 0.25},
    )
    for n in range(5)
]


@pytest.mark.parametrize("shape", SHAPES)
def test_soft_labels_are_cross_entropy_of_the_scores_that_predicting_uses(
    shape: str, tokenizer: Any
) -> None:
    model = decoder(shape, tokenizer).eval()
    rows = [Candidates(pair.input, tuple(pair.distribution or ())) for pair in SOFT]
    sizes: dict[str, int] = {"max_input_tokens": 64, "batch_size": 3}
    scores = score_labels(model, tokenizer, rows, prompt=PREFIXES["label"], **sizes)
    log_q = torch.tensor([list(score.values()) for score in scores]).log_softmax(-1)
    expected = -0.5 * (torch.tensor([0.25, 0.5, 0.25]) * log_q).sum(dim=1).mean()
    found = encoded_for_decoder(SOFT, tokenizer)
    labels_only = Objective(soft_weight=1.0)
    rationales = [[replace(s, weight=0.0) for s in e if s.task != "label"] for e in found.examples]
    both = [
        [*(s for s in e if s.task == "label"), *r]
        for e, r in zip(found.examples, rationales, strict=True)
    ]
    loss = step_loss(DECODER_ONLY, model, replace(found, examples=both), labels_only)
    torch.testing.assert_close(loss, expected, rtol=1e-4, atol=1e-5)
    cut = step_loss(
        DECODER_ONLY, model, replace(found, examples=both), labels_only, packs=True, max_tokens=80
    )
    torch.testing.assert_close(cut, expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("shape", SHAPES)
@torch.inference_mode()
def test_texts_and_scores_are_those_of_plain_transformers(shape: str, tokenizer: Any) -> None:
    model = decoder(shape, tokenizer).eval()
    plain = plain_decoder(shape, tokenizer).eval()
    codec = DECODER_ONLY.codec(tokenizer, plain.config)
    inputs = ["input", "input word word word", "word " * 20]
    sizes: dict[str, Any] = {"max_input_tokens": 64, "batch_size": 2, "prompt": "[label]"}
    texts = generate_texts(model, tokenizer, inputs, max_new_tokens=8, **sizes)
    rows = [Candidates(text, ("label 1", "because so")) for text in inputs]
    scores = score_labels(model, tokenizer, rows, **sizes)
    for text, written, score in zip(inputs, texts, scores, strict=True):
        before = [*codec.inputs([text])[0], *codec.prompt("[label]")]
        ids = plain.generate(
            torch.tensor([before]), max_new_tokens=8, do_sample=False, pad_token_id=0
        )
        told = tokenizer.decode(ids[0, len(before) :], skip_special_tokens=True)
        assert told.strip() == written
        for label, found in score.items():
            target = codec.labels([label])[0]
            logits = plain(torch.tensor([[*before, *target]])).logits[0, len(before) - 1 : -1]
            likely = logits.log_softmax(-1).gather(-1, torch.tensor(target)[:, None]).sum()
            assert found == pytest.approx(likely.item(), rel=1e-4, abs=1e-4)
