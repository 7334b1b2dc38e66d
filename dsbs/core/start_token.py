"""The token that begins each text of a model, where a folder's tokenizer leaves it out."""

from typing import Any

from dsbs.core.progress import say

_TRAINED_WITH = ("<bos>", "<|begin_of_text|>")
"""Start tokens of families whose every training text began with it: Gemma, and Llama 3."""


def give_start_token(tokenizer: Any, model: str) -> str | None:
    """Let a tokenizer begin texts as those that its model was trained on began, and say so.

    Folders that were converted, from GGUF for instance, often lose this rule. Without `<bos>` a
    Gemma is hardly better than noise: its loss on plain English doubles. A folder that rules it
    out itself (`add_bos_token` is false) is left alone.

    Returns:
        The token, if it was added; else None.
    """
    token: str | None = getattr(tokenizer, "bos_token", None)
    settings = getattr(tokenizer, "init_kwargs", {})
    if token not in _TRAINED_WITH or settings.get("add_bos_token") is False:
        return None
    if _begins(tokenizer):
        return None
    tokenizer.add_bos_token = True
    added = _begins(tokenizer)
    done = "it is added" if added else "it cannot be added here, so mend its tokenizer.json"
    say(f"{model}: its tokenizer leaves out {token}, which its texts began with; {done}")
    return token if added else None


def _begins(tokenizer: Any) -> bool:
    ids: list[int] = tokenizer("a").input_ids
    return ids[:1] == [tokenizer.bos_token_id]
