"""What the published laws were fitted on, and how an answer names where it leaves that range."""

from dsbs.core.sizes import show_size
from dsbs.scaling.coefficients import FITTED_MAX_TOKENS, FITTED_PARAMS, TOKENS_PER_PARAM
from dsbs.scaling.laws import supervised_loss

SCALING_LAW = (
    "scaling law: Busbridge et al. 2025 (arXiv 2502.08606), Table 6. Losses are in nats per token "
    "on C4 English, sizes are parameters without embeddings. It was fitted on decoder-only "
    "transformers of 143M to 12.6B parameters on up to 512B tokens, distilled from logits"
)
NOT_THIS_CASE = (
    "a T5 that learns from a teacher's sampled answers is outside both laws: use the published "
    "numbers to order your options, and refit the form on your own runs (plan forecast, plan fit)"
)
CAPACITY_GAP = (
    "law of capacity gap: Zhang et al. 2023 (arXiv 2311.07052): T = 2.498 S - 11.498, in millions "
    "of parameters with embeddings (both inferred). It was fitted on students pruned from their "
    "teacher, GPT2 of 140M to 1.6B and Pythia of 70M to 2.8B"
)
GAP_FITTED_TEACHERS = (70e6, 2.8e9)

# What teachers of the fitted sizes can reach: the largest on the most tokens, and the smallest on
# the paper's usual number of tokens.
TEACHER_LOSSES = (
    supervised_loss(FITTED_PARAMS[1], FITTED_MAX_TOKENS),
    supervised_loss(FITTED_PARAMS[0], TOKENS_PER_PARAM * FITTED_PARAMS[0]),
)


def leaving(what: str, params: float, tokens: float) -> list[str]:
    """One line for each way in which a model leaves the fitted range; an empty list inside it."""
    found = []
    low, high = FITTED_PARAMS
    if not low <= params <= high:
        found.append(
            f"EXTRAPOLATED: {what} of {show_size(params)} parameters lies outside the fitted "
            f"{show_size(low)} to {show_size(high)}"
        )
    if tokens > FITTED_MAX_TOKENS:
        found.append(
            f"EXTRAPOLATED: {what} on {show_size(tokens)} tokens lies beyond the fitted "
            f"{show_size(FITTED_MAX_TOKENS)}"
        )
    return found


def leaving_loss(loss: float) -> list[str]:
    """The same for a teacher of which only the loss is known."""
    low, high = TEACHER_LOSSES
    if low <= loss <= high:
        return []
    return [
        f"EXTRAPOLATED: a teacher's loss of {loss:.3g} lies outside the {low:.2f} to {high:.2f} of "
        "teachers of the fitted sizes"
    ]
