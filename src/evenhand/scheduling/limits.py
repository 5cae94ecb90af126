"""How much may wait. Every figure has a value: no queue is without a limit."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueLimits:
    """Bounds of the queue, in all and for one leaf of the share tree. Time is bounded per request
    (`Request.queue_wait_ms_max`)."""

    requests_max: int = 10_000
    bytes_max: int = 256 << 20
    tenant_requests_max: int = 2_000
    tenant_bytes_max: int = 64 << 20

    def __post_init__(self) -> None:
        assert self.requests_max >= 1
        assert self.bytes_max >= 1
        assert self.tenant_requests_max >= 1
        assert self.tenant_bytes_max >= 1
