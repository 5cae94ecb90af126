"""The client's limits of time and size."""

from dataclasses import dataclass, fields


@dataclass(frozen=True, kw_only=True)
class ClientSettings:
    """Every limit is positive; the defaults suit an engine on the same network."""

    connect_timeout_ms: int = 5_000
    """Name lookup, TCP connect and TLS handshake together."""

    first_byte_timeout_ms: int = 120_000
    """From writing the request to the first piece of the answer's body. Not to its head: engines
    send the head of a stream before they begin to compute."""

    silence_timeout_ms: int = 30_000
    """Between two pieces of the body. Does not run while the reader has paused the answer."""

    head_bytes_max: int = 65_536
    """Bytes of an answer in a row that bring no body: head, chunk extensions, trailers."""

    idle_connections_max: int = 256
    """Connections kept for reuse; beyond it the one idle for longest is closed."""

    idle_ms_max: int = 4_000
    """How long a connection is kept for reuse. Shorter than the 5 s after which common servers
    close, so that few requests are written into a closing connection."""

    stale_ms_max: int = 1_000
    """A reused connection that closes unanswered within this time of the write was stale, so the
    request is sent again. Later than that the engine may have died of the request itself."""

    def __post_init__(self) -> None:
        for field in fields(self):
            if getattr(self, field.name) <= 0:
                raise ValueError(f"{field.name} must be positive; give a number above 0")
