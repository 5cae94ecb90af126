"""Everything that is ever asked of an engine. What is not here is not asked, whoever may want it:
engines have pages that stop them, load files and tell what others asked."""

from typing import Final

POSTED: Final = frozenset(
    {
        *("/v1/chat/completions", "/v1/completions", "/v1/embeddings"),
        *("/v1/responses", "/v1/messages", "/v1/messages/count_tokens"),
    }
)
"""Clients' requests are sent there."""

READ: Final = frozenset(
    {
        *("/health", "/v1/models"),
        # What it says of itself: see `engines/signals`.
        *("/metrics", "/prometheus/metrics", "/slots", "/props"),
        # For `evenhand check --probe`.
        *("/version", "/server_info", "/get_server_info", "/kv_event_sources"),
    }
)
"""The gateway itself reads these."""


def ensure_listed(path: str, listed: frozenset[str]) -> None:
    """Raises ValueError for any other path."""
    if path not in listed:
        raise ValueError(
            f"engines are not asked for {path[:100]!r}; add it to the list if it is safe"
        )
