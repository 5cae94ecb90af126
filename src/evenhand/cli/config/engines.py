"""The `engines` section: what does the work."""

from typing import Annotated, Literal

from pydantic import BaseModel, Field

from evenhand.cli.config.kv_events import KvEvents
from evenhand.cli.config.prices import Currency, Money
from evenhand.cli.config.scalars import SECTION, FileText, Model, Name, Window, WindowBound, between
from evenhand.cli.config.secrets import Reference
from evenhand.cli.config.url import BaseUrl

Models = Annotated[tuple[Model, ...], Field(min_length=1, max_length=256)]


class EmbeddedEngine(BaseModel):
    """An engine that Evenhand itself starts, watches and restarts, on this machine's CPU."""

    model_config = SECTION

    name: Name
    """How this engine is called in metrics, logs and the live state. Unique."""
    kind: Literal["embedded"]
    """`embedded`: llama.cpp in a process of its own."""
    models: Models
    """Model names that clients may ask this engine for."""
    model_file: FileText | None = None
    """A GGUF file. Left out: a small random-weight model, made at first start; it speaks noise,
    its timing is real."""
    slots: Annotated[int, between(1, 256)] = 4
    """Requests that the engine computes at once."""
    context_tokens: Annotated[int, between(256, 1_048_576)] = 4096
    """Longest prompt plus answer of one request, in tokens; each slot reserves memory for it."""
    embeddings: Literal["last", "mean", "cls", "model"] | None = None
    """Serves embeddings beside completions, pooled like this; `model` is what the model file says.
    All but `last` compute an input in one go: running answers wait for it, and memory for
    `context_tokens` at once is reserved. Left out: requests for embeddings fail."""
    threads: Annotated[int, between(1, 1024)] | None = None
    """CPU threads of the engine. Left out: the engine decides."""
    memory_mib_max: Annotated[int, between(64, 1_048_576)] = 4096
    """The engine is restarted when it takes more memory than this, in MiB."""
    window: Window = "auto"
    """Requests that may be in flight at this engine; the others wait here, in fair order. `auto` is as
    many as `slots` and one or two more, so that a slot that comes free is not empty until Evenhand has
    heard of it; fewer where the engine holds more than it works on. A number is kept to."""
    window_min: WindowBound | None = None
    """At least so many, whatever the engine says; with `window: auto` only. Left out: 1."""
    window_max: WindowBound | None = None
    """At most so many; with `window: auto` only. Left out: two more than `slots`."""
    gpu_hour_price: Money | None = None
    """What an hour of this engine costs: its CPU is accounted for as one GPU is. Left out: its time is
    told, and costs nothing."""
    gpu_hour_currency: Currency | None = None
    """Of `gpu_hour_price`. Left out: that of `prices`."""


class UrlEngine(BaseModel):
    """An engine that already runs somewhere and speaks the OpenAI API."""

    model_config = SECTION

    name: Name
    """How this engine is called in metrics, logs and the live state. Unique."""
    kind: Literal["vllm", "sglang", "llamacpp", "trtllm", "openai"]
    """What answers at the URL. `openai` is any OpenAI-compatible endpoint: it gets no fields added
    that OpenAI does not define."""
    url: BaseUrl
    """Base URL without `/v1`: http or https, no user, query or fragment; a path prefix is
    allowed. Wildcard, multicast and link-local addresses are refused."""
    models: Models
    """Model names that clients may ask this engine for; sent to the engine as they are."""
    window: Window = Field(
        default_factory=lambda fields: 16 if fields.get("kind") == "openai" else "auto",
        json_schema_extra={"x-default": "`auto`; `openai`: 16"},
    )
    """Requests that may be in flight at this engine; the others wait here, in fair order. `auto`
    finds out how many the engine computes at once, by what it tells of itself and by how its answers
    come; an engine of kind `openai` tells nothing, so it has to be asked for there. A number is
    kept to: more than the engine computes at once only fills its own, unfair queue."""
    window_min: WindowBound | None = None
    """At least so many, whatever the engine says; with `window: auto` only. Left out: 1."""
    window_max: WindowBound | None = None
    """At most so many; with `window: auto` only. Left out: 1024."""
    gpu_time_file: FileText | None = None
    """Where Evenhand's scheduler inside the engine, on this machine, writes whose its time was (its
    setting `gpu_time_file`): GPU time is then exact. Left out: it is estimated."""
    gpus: Annotated[int, between(1, 100_000)] = 1
    """How many GPUs the engine has: its time counts so many times in the account of GPU time."""
    gpu_hour_price: Money | None = None
    """What an hour of one of its GPUs costs: a tenant's cost is its GPU time by this, what is idle is
    told apart. Left out: its time is told, and costs nothing."""
    gpu_hour_currency: Currency | None = None
    """Of `gpu_hour_price`. Left out: that of `prices`."""
    api_key: Reference | None = None
    """The credential that the engine wants, by reference. Left out: none is sent."""
    fair_scheduler: bool = False
    """The engine was started with Evenhand's scheduler inside: it is told of each request whose it is,
    the weights along that path, the lane, and what the tenant was served so far. For engines of kind
    `vllm`."""
    hints_secret: Reference | None = None
    """The secret by which that scheduler knows that this gateway says so, by reference; the engine is
    given the same. Left out: it has to believe whoever reaches it."""
    apis: tuple[Literal["responses", "messages"], ...] | None = Field(
        default=None,
        json_schema_extra={
            "x-default": "as its kind: both; `trtllm`: `responses`; `openai`: neither"
        },
    )
    """What it serves beside `/v1/chat/completions`, `/v1/completions` and `/v1/embeddings`:
    `/v1/responses`, Anthropic's `/v1/messages`. Requests for an API go to the engines of a model that
    serve it."""
    keeps_responses: bool = False
    """The engine keeps responses, in memory of its own (vLLM with `VLLM_ENABLE_RESPONSES_API_STORE=1`,
    for one): `store` is handed on, and `previous_response_id` goes back to the engine that has that
    response. Left out: nothing is kept."""
    signals: Literal["auto", "off"] = "auto"
    """`auto`: what the engine tells of its load is read twice a second. `off`: it is not asked, and the
    gateway goes by what it has sent there. An engine of kind `openai` is never asked."""
    metrics_url: BaseUrl | None = None
    """Base URL of the engine's metrics where they are not at `url`; same rules. `/metrics` is added.
    The `api_key` is sent there only if scheme, host and port are those of `url`."""
    kv_events: KvEvents | None = None
    """Follow the engine's prefix cache by its own events. Left out: it is believed to hold what was sent
    there, corrected by the cached tokens that its usage reports."""
    tokenizer: FileText | None = None
    """The model's folder, or its `tokenizer.json`, on this machine: prompts are then compared by their
    token ids, and `kv_events` tell of single prompts. The same for all engines of a model. Needs
    `pip install 'evenhand[tokenizers]'`. Left out: they are compared as text."""
    chat_template: FileText | None = None
    """A file with the chat template that the engine was started with, where it is not the model's."""


Engine = Annotated[EmbeddedEngine | UrlEngine, Field(discriminator="kind")]
ENGINE_KINDS = ("embedded", "vllm", "sglang", "llamacpp", "trtllm", "openai")
