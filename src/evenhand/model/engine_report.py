"""What an engine says of itself at one moment."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineReport:
    """None means that the engine does not say, which is not the same as none.

    `running` and `waiting` are requests: computed now, and queued inside the engine. `kv_used_permille`
    is how much of its memory for prompts and answers is taken. `slots` is how many requests it computes
    at once, where that is fixed. The rest are counters since its start: `preemptions` of requests that
    lost their memory, and tokens of prompts (cached ones among them), cached prompts, and answers.
    `block_tokens` and `blocks` are the grain and the size of its prefix cache.
    """

    running: int | None = None
    waiting: int | None = None
    kv_used_permille: int | None = None
    slots: int | None = None
    preemptions: int | None = None
    input_tokens: int | None = None
    cached_input_tokens: int | None = None
    output_tokens: int | None = None
    block_tokens: int | None = None
    blocks: int | None = None

    def __post_init__(self) -> None:
        assert self.running is None or self.running >= 0
        assert self.waiting is None or self.waiting >= 0
        assert self.kv_used_permille is None or 0 <= self.kv_used_permille <= 1000
