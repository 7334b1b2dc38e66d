"""What is sent to a server: the form that its model takes. A refusal changes it for good."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import openai

from dsbs.core.progress import say
from dsbs.teachers.chat_template import without_system
from dsbs.teachers.endpoint_errors import (
    describe,
    refused_setting,
    refuses_system,
    stated_default,
)
from dsbs.teachers.endpoint_pool import post_json
from dsbs.teachers.endpoint_probes import CHAT_LIMITS, SchemaField
from dsbs.teachers.protocol import MOST_TOP_LOGPROBS, Prompt, Sampling, SettingRefused

_SETTINGS = {
    "temperature": "temperature",
    "top_p": "top_p",
    "stop": "stop",
    "max_tokens": "max_new_tokens",
    "max_completion_tokens": "max_new_tokens",
    "logprobs": "top_logprobs",
    "top_logprobs": "top_logprobs",
}
"""Fields of a request that a model may refuse, with the setting of `Sampling` that each one is."""

_FEW_TOP_LOGPROBS = 5
"""What servers give that refuse more."""


class RequestForm:
    """How a model is asked: with which fields, and by which of their names."""

    def __init__(self, model: str, sampling: Sampling) -> None:
        self.sampling = sampling
        """What the model has not refused of the sampling that was wanted."""
        self.schema_field: SchemaField | None = None
        """How a schema is sent. None: it is not known yet."""
        self._model = model
        self._chat_limit = CHAT_LIMITS[0]
        self._takes_system = True

    def texts(self, prompts: Sequence[Prompt]) -> dict[str, Any]:
        """A request to continue the texts of some prompts."""
        texts = [prompt.text for prompt in prompts]
        drawn = self._drawn("max_tokens", prompts[0])
        return {"prompt": texts if len(texts) > 1 else texts[0], **drawn}

    def chat(self, prompt: Prompt) -> dict[str, Any]:
        """A request to answer one chat."""
        messages = [dict(message) for message in prompt.messages]
        if not self._takes_system:
            messages = without_system(messages)
        asked = {"messages": messages, **self._drawn(self._chat_limit, prompt)}
        if self.sampling.top_logprobs is not None:
            asked |= {"logprobs": True, "top_logprobs": self.sampling.top_logprobs}
        return asked

    async def post(self, client: openai.AsyncOpenAI, path: str, body: dict[str, Any]) -> object:
        """The reply to a request. Raises SettingRefused where the model does not take a setting."""
        whole = {"model": self._model, **body}
        try:
            return await post_json(client, path, whole)
        except openai.APIStatusError as error:
            refused = refused_setting(error, _SETTINGS.keys() & body.keys())
            if refused is None:
                if refuses_system(error) and _has_system(body):
                    return await self._with_system_inside(client, path, body, describe(error))
                raise
            if refused == CHAT_LIMITS[0] and "messages" in body:
                return await self._with_other_limit(client, path, body)
            sent = body[refused]
            raise self._without(_SETTINGS[refused], sent, describe(error)) from None

    def _drawn(self, limit: str, prompt: Prompt) -> dict[str, Any]:
        """The fields of a request that say how its answer is drawn."""
        sampling = self.sampling
        drawn: dict[str, Any] = {
            limit: sampling.max_new_tokens,
            "temperature": sampling.temperature,
            "top_p": sampling.top_p,
            "n": 1,
            "stop": list(sampling.stop) or None,
        }
        kept = {
            name: value
            for name, value in drawn.items()
            if _SETTINGS.get(name) not in sampling.refused
        }
        kept |= json.loads(sampling.extra)
        if prompt.schema is not None and self.schema_field is not None:
            kept |= self.schema_field(dict(prompt.schema))
        return kept

    def _without(self, setting: str, sent: object, reason: str) -> SettingRefused:
        """From now on, send the value of a setting that the model takes, or none."""
        if setting == "top_logprobs" and sent not in (True, self.sampling.top_logprobs):
            return SettingRefused(setting, reason)  # another request in flight was refused before
        few = self.sampling.top_logprobs == MOST_TOP_LOGPROBS and sent is not True
        if setting == "top_logprobs" and few:
            self.sampling = replace(self.sampling, top_logprobs=_FEW_TOP_LOGPROBS)
            return SettingRefused(setting, reason)
        default = stated_default(reason) if setting in ("temperature", "top_p") else None
        if default is not None and sent != default:
            values: dict[str, Any] = {setting: default}
            self.sampling = replace(self.sampling, **values)
        else:
            self.sampling = self.sampling.without(setting)
        return SettingRefused(setting, reason)

    async def _with_system_inside(
        self, client: openai.AsyncOpenAI, path: str, body: dict[str, Any], reason: str
    ) -> object:
        """The same request with the system message before the first question, now and later on."""
        if self._takes_system:
            self._takes_system = False
            say(f"the system message is sent before the first question, because of: {reason}")
        return await self.post(client, path, {**body, "messages": without_system(body["messages"])})

    async def _with_other_limit(
        self, client: openai.AsyncOpenAI, path: str, body: dict[str, Any]
    ) -> object:
        """The same request with the name for the longest answer that older servers know."""
        if self._chat_limit == CHAT_LIMITS[0]:
            self._chat_limit = CHAT_LIMITS[1]
            say(f"the server does not take {CHAT_LIMITS[0]}, so {CHAT_LIMITS[1]} is sent")
        limit = body[CHAT_LIMITS[0]]
        others = {name: value for name, value in body.items() if name != CHAT_LIMITS[0]}
        return await self.post(client, path, {**others, CHAT_LIMITS[1]: limit})


def _has_system(body: Mapping[str, Any]) -> bool:
    messages = body.get("messages") or []
    return len(messages) > 1 and messages[0]["role"] == "system"
