"""What the gateway's own parts are built from; the edge and the engines' clients have theirs."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class CallLimits:
    """Bounds of one call. `output_tokens_default` bounds each answer to a key with a budget that names
    no bound itself. `answer_bytes_max` bounds an answer that is not streamed,
    `event_bytes_max` one server-sent event, `drain_ms` how long a stopping gateway lets calls end."""

    json_depth_max: int = 64
    choices_max: int = 8
    embedding_inputs_max: int = 2_048
    output_tokens_max: int = 131_072
    output_tokens_default: int = 256
    answer_bytes_max: int = 32 << 20
    event_bytes_max: int = 1 << 20
    drain_ms: int = 30_000
