"""Operations of training decoder-only models, as the distillation laws count them.

Source: Busbridge et al. 2025 (arXiv 2502.08606), eq 9 and App. H.1, for models of a fixed aspect
ratio. A multiply-add is two operations, and only matrix multiplications count. Students of the T5
family are counted from their shape in `dsbs.scaling.encoder_decoder`.
"""

from typing import Any, NamedTuple, TypeVar

from numpy.typing import NDArray

from dsbs.core.errors import InputError, check_positive, nearest

Array = NDArray[Any]
Sizes = TypeVar("Sizes", float, Array)  # floats give a float, arrays an array


class Scenario(NamedTuple):
    """Which of the teacher's operations are charged to the student: 0 or 1 each."""

    logits: int
    """The teacher's forward passes over the student's tokens."""
    pretraining: int
    """Training the teacher on its own tokens."""


SCENARIOS = {  # Table 2
    "best-case": Scenario(logits=0, pretraining=0),
    "inference": Scenario(logits=1, pretraining=0),
    "pretraining": Scenario(logits=0, pretraining=1),
    "both": Scenario(logits=1, pretraining=1),
}


def decoder_flops_per_token(
    n: Sizes,
    *,
    n_ctx: float = 4096,
    n_vocab: float = 32168,
    aspect: float = 128,
    group: float = 1,
    n_ffn: float = 3,
    rho_ffn: float = 8 / 3,
) -> Sizes:
    """F(N): forward operations per token of a decoder with `n` parameters without embeddings.

    F = 2n (1 + s1 n_ctx / n^(1/3) + s2 n_vocab / n^(2/3)), where s1 = (aspect w^2)^(-1/3),
    s2 = (aspect / w)^(1/3) and w = 2 + 2/group + n_ffn rho_ffn (App. H.1). The usual 2n alone is
    40 % low at 103M parameters and 7 % low at 12.6B. The defaults are the paper's.

    Args:
        n: Parameters without embeddings.
        n_ctx: Tokens of context.
        n_vocab: Tokens of the vocabulary.
        aspect: d_model per layer.
        group: Query heads per key-value head.
        n_ffn: Matrices of a feed-forward block.
        rho_ffn: Their columns, per d_model.
    """
    check_positive(
        "decoder_flops_per_token",
        n=n, n_ctx=n_ctx, n_vocab=n_vocab, aspect=aspect, group=group, n_ffn=n_ffn, rho_ffn=rho_ffn,
    )  # fmt: skip
    width = 2 + 2 / group + n_ffn * rho_ffn
    context = (aspect * width**2) ** (-1 / 3) * n_ctx / n ** (1 / 3)
    vocabulary = (aspect / width) ** (1 / 3) * n_vocab / n ** (2 / 3)
    flops: Sizes = 2 * n * (1 + context + vocabulary)
    return flops


def distillation_flops(
    scenario: str,
    n_student: float,
    *,
    d_student: float,
    n_teacher: float | None = None,
    d_teacher: float | None = None,
) -> float:
    """Operations charged for a student of `n_student` parameters on `d_student` tokens (eq 9).

    They are 3 F(N_S) D_S + F(N_T) (logits D_S + pretraining 3 D_T). `scenario` is a key of
    `SCENARIOS`. A scenario that charges nothing for the teacher needs neither its size nor tokens.
    """
    check_positive("distillation_flops", d_student=d_student)
    per_token, once = _teacher_charges(scenario, n_teacher, d_teacher)
    return (3 * decoder_flops_per_token(n_student) + per_token) * d_student + once


def student_tokens_for(
    compute: float,
    scenario: str,
    *,
    n_student: float,
    n_teacher: float | None = None,
    d_teacher: float | None = None,
) -> float:
    """The student's tokens that `compute` pays for: the inverse of `distillation_flops` (eq 27).

    Raises:
        InputError: where training the teacher alone costs `compute` or more.
    """
    per_token, once = _teacher_charges(scenario, n_teacher, d_teacher)
    if not compute > once:
        expected = f"more than the {once:.3g} operations that training the teacher costs"
        fix = "raise the compute or take a smaller teacher"
        raise InputError("student_tokens_for: compute", got=compute, expected=expected, fix=fix)
    return (compute - once) / (3 * decoder_flops_per_token(n_student) + per_token)


def _teacher_charges(
    scenario: str, n_teacher: float | None, d_teacher: float | None
) -> tuple[float, float]:
    """Operations for the teacher: per token of the student, and once."""
    if scenario not in SCENARIOS:
        raise InputError(
            "scenario",
            got=repr(scenario),
            expected="a known scenario",
            fix=nearest(scenario, SCENARIOS),
        )
    charged = SCENARIOS[scenario]
    if not any(charged):
        return 0.0, 0.0
    forward = decoder_flops_per_token(_given(scenario, n_teacher=n_teacher))
    if not charged.pretraining:
        return charged.logits * forward, 0.0
    return charged.logits * forward, 3 * forward * _given(scenario, d_teacher=d_teacher)


def _given(scenario: str, **argument: float | None) -> float:
    (name, value), *_ = argument.items()
    if value is None or not value > 0:
        fix = f"give the teacher's {name}, or choose best-case"
        raise InputError(
            f"scenario {scenario}: {name}", got=value, expected="a number above 0", fix=fix
        )
    return value
