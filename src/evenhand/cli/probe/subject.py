"""An engine under examination: what is configured of it, and how to ask it."""

from dataclasses import dataclass
from typing import Any

import orjson

from evenhand.cli.config.url import EngineUrl
from evenhand.engines.http import EngineClient
from evenhand.engines.signals import NoPageError, Page, ask

_TIMEOUT_MS = 5_000
_ANSWER_TIMEOUT_MS = 30_000
"""For completions: they wait for their turn in the engine."""
_BYTES_MAX = 8 << 20


@dataclass(frozen=True, kw_only=True)
class Subject:
    """`client` sends what the gateway would send, `stranger` the same without the credential, and
    `metrics` asks where the metrics are. `url` is None for an engine that we have started."""

    name: str
    kind: str
    models: tuple[str, ...]
    url: EngineUrl | None
    client: EngineClient
    stranger: EngineClient
    metrics: EngineClient
    has_credential: bool
    trust_domains: int
    """How many the configuration tells apart."""
    follows_events: bool
    """Whether `kv_events` is configured."""
    tells_tenants: bool
    """Whether `fair_scheduler` is configured."""
    seals_hints: bool
    """Whether `hints_secret` is."""

    async def page(self, path: str, *, as_stranger: bool = False) -> Page:
        """Raises NoPageError."""
        client = self.stranger if as_stranger else self.client
        return await ask(client, path, bytes_max=_BYTES_MAX, timeout_ms=_TIMEOUT_MS)

    async def metrics_page(self, path: str) -> Page:
        """Raises NoPageError."""
        return await ask(self.metrics, path, bytes_max=_BYTES_MAX, timeout_ms=_TIMEOUT_MS)

    async def table(self, *paths: str) -> dict[str, Any]:
        """The JSON object on the first of these pages that has one; empty where none has."""
        for path in paths:
            try:
                page = await self.page(path)
            except NoPageError:
                continue
            found = parsed(page.body) if page.status == 200 else None
            if isinstance(found, dict):
                return found
        return {}

    async def complete(self, body: dict[str, Any]) -> Page:
        """Ask for a completion. Raises NoPageError."""
        return await ask(
            self.client,
            "/v1/completions",
            body=orjson.dumps(body),
            bytes_max=_BYTES_MAX,
            timeout_ms=_ANSWER_TIMEOUT_MS,
        )


def parsed(body: bytes) -> Any:
    """The JSON; None where it is none."""
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError:
        return None
