"""The interface of all teachers: prompts go in, completions come out as they finish.

A teacher knows no task, no answer store and no run folder.
"""

from collections.abc import Generator, Iterable, Mapping
from dataclasses import asdict, dataclass, field, replace
from enum import Enum
from typing import Any, Final, Literal, Protocol, Self

from dsbs.core.records import Completion

Message = Mapping[str, str]
"""One turn of a chat: `role` and `content`."""

Engine = Literal["vllm", "ray", "endpoint", "transformers"]
"""What runs or reaches a model."""

Api = Literal["auto", "chat", "completions"]
"""How a model is asked. auto: chat, where the model has a chat template."""

Dtype = Literal["auto", "float32", "bfloat16", "float16"]


MOST_TOP_LOGPROBS: Final = 20
"""What OpenAI's API and a vLLM server with its defaults give for each token."""


class Wait(Enum):
    """The type of `WAIT`, which stands in a stream of prompts."""

    WAIT = "wait"


class Idle(Enum):
    """The type of `IDLE`, which stands in a stream of completions."""

    IDLE = "idle"


WAIT: Final = Wait.WAIT
"""No prompt now; there may be more once something in flight has been answered."""

IDLE: Final = Idle.IDLE
"""No completion now, and none is expected at once. What came before should be committed."""


@dataclass(frozen=True, slots=True)
class Sampling:
    """How text is drawn. Every value is sent, so an engine's or model's defaults never apply."""

    temperature: float = 0.0
    top_p: float = 1.0
    max_new_tokens: int = 256
    stop: tuple[str, ...] = ()
    """Texts that end an answer. Only for models that continue text: see `for_chat`."""
    extra: str = "{}"
    """JSON that is sent to a server unchanged, such as its reasoning effort."""
    top_logprobs: int | None = None
    """How many alternatives of each token a chat server is to give. They change no text."""
    refused: tuple[str, ...] = ()
    """Names of the settings above that the model does not take. They are not sent."""

    def for_chat(self) -> "Sampling":
        """The same without stop strings.

        A chat model ends its turn itself, and a blank line in its reasoning must not end it.
        """
        return replace(self, stop=())

    def without(self, setting: str) -> "Sampling":
        """The same without a setting that the model refuses."""
        if setting == "top_logprobs":
            return replace(self, top_logprobs=None)
        return replace(self, refused=tuple(sorted({*self.refused, setting})))

    def changes(self, other: "Sampling") -> dict[str, float | int | None]:
        """Settings that differ in the other, with its value; None is the model's default."""
        before = self.as_request()
        after = other.as_request()
        names = dict.fromkeys([*before, *after])
        return {n: after.get(n) for n in names if after.get(n) != before.get(n)}

    def as_request(self) -> dict[str, Any]:
        """What goes into the key of an answer."""
        values = asdict(self)
        refused = values.pop("refused")
        if self.top_logprobs is None:  # keys of answers are those of before there was any
            del values["top_logprobs"]
        return values | (dict.fromkeys(refused) if refused else {})


class SettingRefused(Exception):
    """A model does not take a setting, and its teacher's `sampling` has changed.

    The sampling is part of the keys of all answers, so they have to be asked for anew.
    """

    def __init__(self, setting: str, reason: str) -> None:
        super().__init__(reason)
        self.setting = setting


@dataclass(frozen=True, slots=True)
class EndpointOptions:
    """Servers that are reached over HTTP."""

    base_urls: tuple[str, ...] = ()
    """Addresses of servers of the same model, ending in /v1."""
    prompts_per_request: int = 32
    """Prompts in one completions request."""
    timeout_s: float = 300.0
    """Seconds before a request is tried again."""
    max_attempts: int = 6
    """Attempts before a request counts as failed."""


@dataclass(frozen=True, slots=True)
class ServerOptions:
    """A vLLM server that dsbs starts for the time of a run."""

    python: str | None = None
    """Interpreter of the environment that has vLLM. Default: this one."""
    arguments: str = ""
    """Further command line arguments of the server."""


@dataclass(frozen=True, slots=True)
class RayOptions:
    """Engines on the machines of a Ray cluster."""

    address: str | None = None
    """HOST:PORT of the cluster. Default: RAY_ADDRESS, else this machine's, else a new one."""
    replicas: int | None = None
    """Number of engines. Default: one per GPU, or one per machine where there are no GPUs."""
    cpus_each: int = 1
    """Processor cores per engine."""
    gpus_each: int | None = None
    """GPUs per engine. Default: 1 where the cluster has any."""
    patience_s: float = 300.0
    """Seconds that an answer may take after a machine was lost, before it is asked for again."""


@dataclass(frozen=True, slots=True)
class EngineOptions:
    """Which model answers and how an engine runs it or reaches it. An engine reads what concerns
    it.
    """

    model: str
    """Hub name, folder, or the name that a server knows."""
    revision: str | None = None
    """Revision of a hub model."""
    api: Api = "auto"
    dtype: Dtype = "auto"
    """Precision of a model that runs here."""
    max_model_len: int | None = None
    """Context length in tokens. Default: the model's own."""
    tensor_parallel: int = 1
    """GPUs that vLLM splits the model over."""
    concurrency: int | None = None
    """Most requests in flight; per engine with Ray. Default: the engine's own choice."""
    endpoint: EndpointOptions = field(default_factory=EndpointOptions)
    server: ServerOptions | None = None
    """The server to start. Default: none."""
    ray: RayOptions = field(default_factory=RayOptions)


@dataclass(frozen=True, slots=True)
class Prompt:
    """One request. Exactly one of `text`, `messages` and `labels` says what is asked for."""

    id: str
    """The key of its answer in the store, so equal requests are one request."""
    text: str = ""
    """Text to continue."""
    messages: tuple[Message, ...] = ()
    """A chat to answer."""
    schema: Mapping[str, Any] | None = None
    """A JSON schema that the answer must follow."""
    labels: tuple[tuple[str, str], ...] = ()
    """Pairs of a label and the text that states it. Nothing is generated: each text is scored as a
    continuation of `text`."""

    def as_text(self) -> str:
        """The whole prompt as one text, for people and for counting tokens."""
        turns = [f"[{message['role']}]\n{message['content']}" for message in self.messages]
        return self.text or "\n\n".join(turns)


class Teacher(Protocol):
    """A model that answers prompts."""

    name: str
    identity: Mapping[str, Any]
    """What makes its answers its own: name and revision, or the content of a local folder."""
    chat: bool
    """Whether it is asked with messages rather than with text."""

    @property
    def sampling(self) -> Sampling:
        """How its answers are drawn. It changes where the model refuses a setting."""
        ...

    def complete(
        self, prompts: Iterable[Prompt | Wait]
    ) -> Generator[Completion | Idle, None, None]:
        """Answer every prompt once, in any order. A failed one comes back with its `error`.

        Prompts are drawn lazily: at most the requests in flight and one batch.
        """
        ...

    def count_tokens(self, texts: list[str]) -> list[int] | None:
        """Tokens of each text by the teacher's tokenizer; None where it cannot be used."""
        ...

    def __enter__(self) -> Self: ...

    def __exit__(self, *unused: object) -> None: ...
