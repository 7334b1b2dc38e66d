"""Operations and parameters: the laws' accounting against printed values, T5's against torch on the
real shapes.
"""

import itertools
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode
from transformers import T5Config, T5ForConditionalGeneration

from dsbs.core.errors import InputError
from dsbs.scaling import encoder_decoder, flops


@pytest.mark.parametrize(
    ("n", "billions"),
    [
        (102.8e6, 0.3398),
        (546e6, 1.415),
        (975.5e6, 2.397),
        (1.821e9, 4.28),
        (7.747e9, 16.99),
        (12.61e9, 27.23),
    ],
)
def test_forward_operations_a_token_equal_table_13(n, billions):
    # Printed sizes are rounded to as much as 5e-4; another vocabulary (32768) would be off by 4e-3
    # at 103M.
    assert flops.decoder_flops_per_token(n) / 1e9 == pytest.approx(billions, rel=6.1e-4)


def test_the_papers_setting_gives_its_two_constants():
    n = 1e9
    no_vocabulary = flops.decoder_flops_per_token(n, n_vocab=1e-9) / (2 * n) - 1
    no_context = flops.decoder_flops_per_token(n, n_ctx=1e-9) / (2 * n) - 1
    assert no_vocabulary * n ** (1 / 3) == pytest.approx(155.061, abs=5e-4)
    assert no_context * n ** (2 / 3) == pytest.approx(70810.9, abs=0.05)


def test_the_decoder_count_equals_a_decoder_built_from_the_same_numbers():
    """F(N) = 2N + 2 n_ctx d_model n_layers + 2 n_vocab d_model at N = w d_model^2 n_layers."""
    layers, aspect, w = 24, 64, 2 + 2 / 4 + 2 * 4
    d_model = aspect * layers
    n = w * d_model**2 * layers
    expected = 2 * n + 2 * 512 * d_model * layers + 2 * 32000 * d_model
    got = flops.decoder_flops_per_token(
        n, n_ctx=512, n_vocab=32000, aspect=aspect, group=4, n_ffn=2, rho_ffn=4
    )
    assert got == pytest.approx(expected, rel=1e-12)


def test_student_tokens_equal_the_vectors_of_equation_27():
    without = flops.student_tokens_for(1e21, "best-case", n_student=1e9)
    charged = flops.student_tokens_for(1e21, "inference", n_student=1e9, n_teacher=7.75e9)
    assert without == pytest.approx(1.35958e11, rel=4e-6)
    assert charged == pytest.approx(4.10678e10, rel=2e-6)


@pytest.mark.parametrize("scenario", flops.SCENARIOS)
def test_student_tokens_spend_the_compute_exactly(scenario):
    teacher = {"n_teacher": 3e9, "d_teacher": 6e10}
    tokens = flops.student_tokens_for(1e22, scenario, n_student=5e8, **teacher)
    assert flops.distillation_flops(scenario, 5e8, d_student=tokens, **teacher) == pytest.approx(
        1e22, rel=1e-12
    )


def test_the_four_scenarios_charge_what_they_say():
    def cost(scenario):
        return flops.distillation_flops(
            scenario, 1e9, d_student=2e10, n_teacher=4e9, d_teacher=8e10
        )

    teacher = flops.decoder_flops_per_token(4e9)
    assert cost("best-case") == pytest.approx(3 * flops.decoder_flops_per_token(1e9) * 2e10)
    assert cost("inference") - cost("best-case") == pytest.approx(teacher * 2e10)
    assert cost("pretraining") - cost("best-case") == pytest.approx(3 * teacher * 8e10)
    assert cost("both") - cost("inference") == pytest.approx(3 * teacher * 8e10)


def t5_config(shape, **extra):
    return T5Config(
        d_model=shape.d_model,
        d_kv=shape.d_kv,
        num_heads=shape.n_heads,
        d_ff=shape.d_ff,
        num_layers=shape.n_encoder_layers,
        num_decoder_layers=shape.n_decoder_layers,
        vocab_size=shape.n_vocab,
        feed_forward_proj="gated-gelu" if shape.gated else "relu",
        tie_word_embeddings=shape.tied,
        relative_attention_num_buckets=shape.n_buckets,
        attn_implementation="eager",  # plain matrix products, which torch counts on every device
        dropout_rate=0.0,
        decoder_start_token_id=0,
        **extra,
    )


def build(shape, device="meta"):
    """A model without memory on the meta device; untied as the published v1.1 checkpoints are."""
    with torch.device(device):
        model = T5ForConditionalGeneration(t5_config(shape))
        if not shape.tied:
            model.lm_head = torch.nn.Linear(shape.d_model, shape.n_vocab, bias=False)
    return model


@pytest.fixture(scope="module", params=encoder_decoder.T5_SHAPES)
def real(request):
    shape = encoder_decoder.T5_SHAPES[request.param]
    return request.param, shape, build(shape)


def tokens(batch, length, device="meta"):
    return torch.ones(batch, length, dtype=torch.long, device=device)


def counted(run):
    with FlopCounterMode(display=False) as counter:
        run()
    return counter.get_total_flops()


PUBLISHED_PARAMETERS = {  # element counts of the published checkpoints, shared weights counted once
    "t5-small": 60_506_624,
    "t5-v1_1-small": 76_961_152,
    "t5-v1_1-base": 247_577_856,
    "t5-v1_1-large": 783_150_080,
    "t5-v1_1-xl": 2_849_757_184,
    "t5-v1_1-xxl": 11_135_332_352,
}


def test_parameters_of_the_real_shapes_are_exact(real):
    name, shape, model = real
    parameters = {key: weight.numel() for key, weight in model.named_parameters()}
    assert shape.parameters == sum(parameters.values()) == PUBLISHED_PARAMETERS[name]
    embeddings = sum(
        size for key, size in parameters.items() if key in ("shared.weight", "lm_head.weight")
    )
    assert shape.non_embedding_parameters == sum(parameters.values()) - embeddings


@torch.no_grad()
def test_forward_operations_of_the_real_shapes_are_those_torch_counts(real):
    _, shape, model = real
    for s, t in ((1024, 8), (64, 256)):
        got = counted(
            lambda s=s, t=t: model(input_ids=tokens(1, s), decoder_input_ids=tokens(1, t))
        )
        assert encoder_decoder.forward_flops(shape, s, target_tokens=t) == pytest.approx(
            got, rel=1e-6
        )


UNEVEN = encoder_decoder.EncoderDecoder(
    48, 8, 3, 80, 3, 2, 96, gated=True, tied=False, n_buckets=16
)


@pytest.mark.parametrize(
    "shape",
    [UNEVEN, replace(UNEVEN, gated=False, tied=True), replace(UNEVEN, d_kv=32, n_encoder_layers=1)],
)
@torch.no_grad()
def test_counts_hold_where_the_two_stacks_differ(shape):
    model = build(shape)
    assert shape.parameters == sum(weight.numel() for weight in model.parameters())
    for s, t in itertools.product((1, 7, 300), (1, 5, 400)):
        got = counted(
            lambda s=s, t=t: model(input_ids=tokens(2, s), decoder_input_ids=tokens(2, t))
        )
        assert 2 * encoder_decoder.forward_flops(shape, s, target_tokens=t) == pytest.approx(
            got, rel=1e-12
        )


@pytest.mark.parametrize("name", ["t5-small", "t5-v1_1-small"])
def test_training_operations_are_those_torch_counts_forward_and_backward(name):
    shape, batch = encoder_decoder.T5_SHAPES[name], 2
    model = build(shape)

    def step():
        model(
            input_ids=tokens(batch, 64), decoder_input_ids=tokens(batch, 16)
        ).logits.sum().backward()

    assert batch * encoder_decoder.training_flops(shape, 64, target_tokens=16) == pytest.approx(
        counted(step), rel=1e-6
    )


@pytest.mark.parametrize("length", [1, 2, 9])
def test_generation_operations_are_those_torch_counts_in_cached_decoding(length):
    model = build(UNEVEN, "cpu").eval()

    def generate():
        out = model.generate(
            tokens(1, 13, "cpu"), max_new_tokens=length, min_new_tokens=length, do_sample=False
        )
        assert out.shape == (1, 1 + length)

    got = counted(generate)
    assert encoder_decoder.generation_flops(UNEVEN, 13, output_tokens=length) == pytest.approx(
        got, rel=1e-12
    )


def test_lengths_may_be_arrays_and_their_sum_is_the_batch():
    shape = encoder_decoder.T5_SHAPES["t5-v1_1-base"]
    s, t = np.array([10, 200, 1024]), np.array([3, 50, 1])
    for count in (encoder_decoder.forward_flops, encoder_decoder.training_flops):
        one_by_one = [count(shape, int(a), target_tokens=int(b)) for a, b in zip(s, t, strict=True)]
        assert count(shape, s, target_tokens=t).tolist() == one_by_one
    decoded = [
        encoder_decoder.generation_flops(shape, int(a), output_tokens=int(b))
        for a, b in zip(s, t, strict=True)
    ]
    assert encoder_decoder.generation_flops(shape, s, output_tokens=t).tolist() == decoded
    assert isinstance(decoded[0], float)


def test_padding_costs_and_a_mean_length_counts_too_little():
    shape = encoder_decoder.T5_SHAPES["t5-v1_1-base"]
    s, t = np.array([20.0, 500.0, 900.0]), np.array([4.0, 40.0, 4.0])
    exact = encoder_decoder.forward_flops(shape, s, target_tokens=t).sum()
    padded = 3 * encoder_decoder.forward_flops(shape, s.max(), target_tokens=t.max())
    mean = 3 * encoder_decoder.forward_flops(shape, s.mean(), target_tokens=t.mean())
    assert mean < exact < padded


def test_large_integer_lengths_do_not_overflow():
    shape = encoder_decoder.T5_SHAPES["t5-v1_1-xxl"]
    lengths = np.full(10, 2_000_000, dtype=np.int32)
    assert (encoder_decoder.forward_flops(shape, lengths, target_tokens=lengths) > 1e18).all()


@pytest.mark.parametrize("name", encoder_decoder.T5_SHAPES)
def test_a_config_as_published_and_as_transformers_writes_it_give_the_shape(name):
    shape = encoder_decoder.T5_SHAPES[name]
    written = t5_config(shape).to_dict()
    published = {
        key: written[key]
        for key in ("d_model", "d_kv", "num_heads", "d_ff", "num_layers", "vocab_size")
    }
    published |= {
        "feed_forward_proj": written["feed_forward_proj"],
        "tie_word_embeddings": shape.tied,
    }
    assert encoder_decoder.EncoderDecoder.from_config(written) == shape
    assert encoder_decoder.EncoderDecoder.from_config(published) == shape


def test_an_uneven_config_keeps_its_decoder_and_buckets():
    assert encoder_decoder.EncoderDecoder.from_config(t5_config(UNEVEN).to_dict()) == UNEVEN


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda: flops.decoder_flops_per_token(0), "n: got 0"),
        (lambda: flops.decoder_flops_per_token(1e9, group=-1), "group"),
        (
            lambda: flops.distillation_flops("best case", 1e9, d_student=1e9),
            "did you mean 'best-case'",
        ),
        (lambda: flops.distillation_flops("inference", 1e9, d_student=1e9), "n_teacher"),
        (lambda: flops.distillation_flops("both", 1e9, d_student=1e9, n_teacher=1e9), "d_teacher"),
        (lambda: flops.distillation_flops("best-case", 1e9, d_student=0), "d_student"),
        (
            lambda: flops.student_tokens_for(
                1e18, "pretraining", n_student=1e9, n_teacher=1e10, d_teacher=1e11
            ),
            "training the teacher costs",
        ),
        (lambda: flops.student_tokens_for(0, "best-case", n_student=1e9), "compute"),
        (lambda: encoder_decoder.forward_flops(UNEVEN, 0, target_tokens=3), "input_tokens"),
        (
            lambda: encoder_decoder.forward_flops(
                UNEVEN, np.array([3, -1]), target_tokens=np.array([1, 1])
            ),
            "input_tokens",
        ),
        (lambda: replace(UNEVEN, d_ff=0), "d_ff"),
        (
            lambda: encoder_decoder.EncoderDecoder.from_config({"model_type": "t5", "d_model": 8}),
            "d_kv, num_heads",
        ),
        (
            lambda: encoder_decoder.EncoderDecoder.from_config(
                t5_config(UNEVEN).to_dict() | {"model_type": "umt5"}
            ),
            "umt5",
        ),
    ],
)
def test_arguments_without_meaning_are_input_errors(call, says):
    with pytest.raises(InputError, match=says):
        call()
