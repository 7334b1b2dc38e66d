"""The published coefficients of the scaling laws, their intervals, and the fitted range.

Source: Busbridge et al. 2025 (arXiv 2502.08606), Table 6.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class SupervisedLaw:
    """Coefficients of L(n, d) = E + (A / n^alpha + B / d^beta)^gamma (eq 1)."""

    A: float
    B: float
    E: float
    alpha: float
    beta: float
    gamma: float


# Each pair holds the ends of the 90 % intervals: 4096 bootstrap samples of 73 runs without and 697
# runs with a teacher.
SUPERVISED = SupervisedLaw(A=3355, B=18186, E=1.220, alpha=0.408, beta=0.431, gamma=0.452)
SUPERVISED_90 = (
    SupervisedLaw(A=3346, B=18157, E=1.190, alpha=0.405, beta=0.428, gamma=0.442),
    SupervisedLaw(A=3360, B=18236, E=1.247, alpha=0.411, beta=0.433, gamma=0.461),
)


@dataclass(frozen=True)
class DistillationLaw:
    """Coefficients of the student's law (eq 8). A, B, alpha, beta and gamma are the primed ones."""

    A: float
    B: float
    alpha: float
    beta: float
    gamma: float
    c0: float
    c1: float
    f1: float
    d1: float
    supervised: SupervisedLaw = SUPERVISED
    """What the student and its teacher would reach without distillation."""


DISTILLATION = DistillationLaw(
    A=2243, B=24181, alpha=0.321, beta=0.637, gamma=0.764, c0=2.549, c1=522.6, f1=0.090, d1=1.315
)
DISTILLATION_90 = (
    DistillationLaw(
        A=2227,
        B=24084,
        alpha=0.319,
        beta=0.634,
        gamma=0.732,
        c0=2.425,
        c1=522.6,
        f1=0.088,
        d1=1.302,
    ),
    DistillationLaw(
        A=2255,
        B=24266,
        alpha=0.324,
        beta=0.640,
        gamma=0.788,
        c0=2.615,
        c1=522.6,
        f1=0.093,
        d1=1.327,
    ),
)

FITTED_PARAMS = (143e6, 12.6e9)
"""The smallest and the largest model behind Table 6, in parameters without embeddings."""
FITTED_MAX_TOKENS = 512e9
"""The most training tokens of any of these models."""
TOKENS_PER_PARAM = 20.0
"""Training tokens per parameter of a compute-optimal ("Chinchilla") model, the paper's ratio."""
