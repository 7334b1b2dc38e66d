"""Scores labels through vLLM's server, whose API has more than OpenAI's."""

from typing import Any, NamedTuple

import openai

from dsbs.core.records import Completion
from dsbs.teachers.endpoint_errors import BadReply
from dsbs.teachers.endpoint_probes import tokenize
from dsbs.teachers.label_scoring import Scored, by_label, label_comes_first, split_shared
from dsbs.teachers.protocol import Prompt


class _Scores(NamedTuple):
    """Log-probability of each continuation, and the prompt tokens that were read for them."""

    logprobs: list[float]
    tokens: int


async def score_labels(client: openai.AsyncOpenAI, model: str, prompt: Prompt) -> Completion:
    """The log-probability of each label of a prompt.

    Raises BadReply where the server does not give log-probabilities of given tokens.
    """
    texts = [prompt.text + continuation for _, continuation in prompt.labels]
    scored = split_shared([await tokenize(client, model, text) for text in texts])
    scored = scored._replace(label_first=label_comes_first(prompt.labels))
    ask = _next_tokens if scored.in_one_step else _whole_texts
    try:
        found = await ask(client, model, scored)
    except (AttributeError, IndexError, KeyError, TypeError, ValueError) as error:
        raise BadReply(f"no log-probabilities of the labels ({error!r})") from error
    scores = by_label(prompt.labels, found.logprobs)
    return Completion(prompt.id, "", "score", found.tokens, 0, label_scores=scores)


async def _next_tokens(client: openai.AsyncOpenAI, model: str, scored: Scored) -> _Scores:
    """Scores of the labels' first tokens, by vLLM's `logprob_token_ids`."""
    firsts = [rest[0] for rest in scored.rests]
    found: Any = await client.completions.create(
        model=model,
        prompt=scored.shared,
        max_tokens=1,
        temperature=0.0,
        logprobs=1,
        extra_body={"logprob_token_ids": firsts, "return_tokens_as_token_ids": True},
    )
    (top,) = found.choices[0].logprobs.top_logprobs
    return _Scores([top[f"token_id:{token}"] for token in firsts], len(scored.shared))


async def _whole_texts(client: openai.AsyncOpenAI, model: str, scored: Scored) -> _Scores:
    """Scores of all tokens of the labels, by vLLM's `prompt_logprobs`, outside the prefix cache."""
    texts = [[*scored.shared, *rest] for rest in scored.rests]
    start = len(scored.shared)
    found: Any = await client.completions.create(
        model=model,
        prompt=texts,
        max_tokens=1,
        temperature=0.0,
        extra_body={"prompt_logprobs": 0},
    )
    choices = sorted(found.choices, key=lambda choice: choice.index)
    logprobs = [
        sum(choice.prompt_logprobs[at][str(ids[at])]["logprob"] for at in range(start, len(ids)))
        for choice, ids in zip(choices, texts, strict=True)
    ]
    return _Scores(logprobs, sum(map(len, texts)))
