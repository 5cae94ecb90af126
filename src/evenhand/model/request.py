"""A request as the scheduler sees it: who asks, for which model, how much at most."""

from dataclasses import dataclass

from evenhand.model.ids import (
    ApplicationName,
    EngineName,
    InteractionId,
    LaneName,
    ModelName,
    RequestId,
    TenantPath,
    TrustDomain,
)


# One per request: freezing would cost more than the rest of making it.
@dataclass(slots=True, kw_only=True, unsafe_hash=True)
class Request:
    """One call for completion or embeddings; what happens to it is kept by the scheduler. Never changed
    once made.

    `prompt_bytes` is the text length from which input tokens are estimated; `prompt_tokens` is set
    instead where the client sent token ids. `choices` is the number of completions asked for
    (`n` or `best_of`, times the number of prompts); `output_tokens_max` bounds each of them.
    `output_tokens_true` is how many they will be in all, which only a simulator knows. `prefix` is the
    text by which prompts are compared for what they share, empty where no policy asks; only prompts of
    one `trust_domain` may share. `interaction_is_new`: its client named none, so its id says nothing yet
    of what belongs together. These three are set only where the policy asks for prefixes.
    `calls_declared` is how many calls the client says its interaction has. `ttft_ms_target` is how soon
    its first token is wanted, where its lane aims at something else. `body_bytes` is what the request
    occupies while it waits. `engines` is where alone it can run, of those that serve its model; empty:
    at any of them. Instants and durations are milliseconds of the host's monotonic clock.
    """

    id: RequestId
    tenant: TenantPath
    model: ModelName
    body_bytes: int
    prompt_bytes: int = 0
    prompt_tokens: int | None = None
    output_tokens_max: int | None = None
    choices: int = 1
    queue_wait_ms_max: int
    application: ApplicationName = ApplicationName("default")
    interaction: InteractionId = InteractionId("")
    lane: LaneName = LaneName("default")
    prefix: bytes = b""
    trust_domain: TrustDomain = TrustDomain("")
    output_tokens_true: int | None = None
    interaction_is_new: bool = False
    calls_declared: int | None = None
    ttft_ms_target: int | None = None
    engines: tuple[EngineName, ...] = ()

    def __post_init__(self) -> None:
        assert self.tenant, "a request belongs to a leaf of the share tree"
        assert self.body_bytes >= 0
        assert self.prompt_bytes >= 0
        assert self.prompt_tokens is None or self.prompt_tokens >= 0
        assert self.output_tokens_max is None or self.output_tokens_max >= 0
        assert self.choices >= 1
        assert self.queue_wait_ms_max >= 0
        assert self.ttft_ms_target is None or self.ttft_ms_target >= 0
