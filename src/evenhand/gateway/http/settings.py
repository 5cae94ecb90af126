"""The limits of the HTTP edge: every buffer and every wait has one."""

from dataclasses import dataclass, fields


@dataclass(frozen=True, slots=True)
class EdgeSettings:
    """What one client connection may cost. All values are positive."""

    head_bytes_max: int = 32 * 1024
    """Request line and headers; beyond it 431, before any parser has seen a byte."""
    head_fields_max: int = 100
    """Header fields in one request; beyond it 431."""
    body_bytes_max: int = 8 * 1024 * 1024
    """Decoded request body; beyond it 413."""
    connections_max: int = 10_000
    """Connections served at once; the next one is told 503 and closed."""
    head_timeout_ms: int = 5_000
    """From the first byte (or from the accept) to the whole head; then 408."""
    body_timeout_ms: int = 15_000
    """From the whole head to the whole body, however busily it trickles; then 408."""
    idle_timeout_ms: int = 75_000
    """Between requests; then the connection is closed without a word."""
    write_stall_ms: int = 30_000
    """With a full send buffer and the client taking nothing; then the connection is cut."""
    client_buffer_bytes_max: int = 256 * 1024
    """Streamed bytes that wait for one slow client; beyond it the connection is cut."""

    def __post_init__(self) -> None:
        for field in fields(self):
            if getattr(self, field.name) <= 0:
                raise ValueError(f"{field.name} must be positive: set it to 1 or more")

    @property
    def held_bytes_max(self) -> int:
        """Received bytes one connection may have waiting: one request, or what came ahead of its
        turn."""
        return self.head_bytes_max + self.body_bytes_max

    @property
    def slow_bytes(self) -> int:
        """The send buffer's high mark: above it the client counts as slow."""
        return min(64 * 1024, self.client_buffer_bytes_max)
