"""What the published laws were fitted on, and how an answer says that it leaves it."""

from dsbs.core.sizes import show_size
from dsbs.scaling.laws import FITTED_MAX_TOKENS, FITTED_PARAMS, TOKENS_PER_PARAM, supervised_loss

SCALING_LAW = (
    "scaling law: Busbridge et al. 2025 (arXiv 2502.08606), Table 6: losses in nats a token on C4 English; N counts parameters "
    "without embeddings; decoder-only transformers of 143M to 12.6B on up to 512B tokens, distilled from logits"
)
NOT_THIS_CASE = (
    "a T5 that learns from a teacher's sampled answers is none of these cases: read the published numbers as an order of the "
    "options, and refit the form on your own runs (plan forecast, plan fit)"
)
CAPACITY_GAP = (
    "law of capacity gap: Zhang et al. 2023 (arXiv 2311.07052): T = 2.498 S - 11.498, in millions (the unit is inferred) of "
    "parameters as models are named, embeddings included (inferred too); students pruned from their teacher, GPT2 140M to 1.6B "
    "and Pythia 70M to 2.8B"
)
GAP_FITTED_TEACHERS = (70e6, 2.8e9)

# What teachers of the fitted sizes can reach: the best, and the smallest at the paper's usual ratio of tokens.
TEACHER_LOSSES = (
    supervised_loss(FITTED_PARAMS[1], FITTED_MAX_TOKENS),
    supervised_loss(FITTED_PARAMS[0], TOKENS_PER_PARAM * FITTED_PARAMS[0]),
)


def leaving(what: str, params: float, tokens: float) -> list[str]:
    """One line for each way in which a model leaves what the scaling law was fitted on; none where it does not."""
    found = []
    if not FITTED_PARAMS[0] <= params <= FITTED_PARAMS[1]:
        fitted = f"{show_size(FITTED_PARAMS[0])} to {show_size(FITTED_PARAMS[1])}"
        found.append(
            f"EXTRAPOLATED: {what} of {show_size(params)} parameters lies outside the fitted {fitted}"
        )
    if tokens > FITTED_MAX_TOKENS:
        found.append(
            f"EXTRAPOLATED: {what} on {show_size(tokens)} tokens, beyond the fitted {show_size(FITTED_MAX_TOKENS)}"
        )
    return found


def leaving_loss(loss: float) -> list[str]:
    """The same for a teacher of which only the loss is known."""
    low, high = TEACHER_LOSSES
    if low <= loss <= high:
        return []
    return [
        f"EXTRAPOLATED: a teacher's loss of {loss:.3g} lies outside the {low:.2f} to {high:.2f} of teachers of fitted sizes"
    ]
