"""From where on something is an alarm."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class AlarmSettings:
    """A threshold None: that alarm is off. Shares are parts per million."""

    for_ms: int = 10_000
    """How long it must hold before it is raised, and be over before it is ended."""
    ttft_p99_ms: int | None = 10_000
    inter_token_p99_ms: int | None = 500
    queue_wait_p99_ms: int | None = 30_000
    oldest_wait_ms: int | None = 60_000
    kv_share_ppm: int | None = 800_000
    dominant_share_ppm: int | None = 800_000
    fairness_5min_ppm: int | None = 800_000
    fairness_1s_ppm: int | None = 400_000
    preemptions_per_minute: int | None = 30
