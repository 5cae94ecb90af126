"""What is allowed in a configuration and may still not be meant: said by `evenhand check`."""

import ipaddress
from collections.abc import Iterator

from evenhand.cli.config import Config, EmbeddedEngine, UrlEngine
from evenhand.wire.dialect import DIALECTS, EngineKind


def cautions(config: Config) -> Iterator[str]:
    """One sentence each, with what to do."""
    domains = {key.trust_domain for key in config.keys}
    for engine in config.engines:
        if isinstance(engine, UrlEngine):
            yield from _of_reach(engine)
        if len(domains) > 1:
            yield from _of_prompts(engine)


def _of_reach(engine: UrlEngine) -> Iterator[str]:
    if not _is_public(engine.url.host):
        return
    if engine.api_key is None:
        yield (
            f"engine {engine.name} has a public address and no api_key: whoever reaches it goes past the"
            " shares, the limits and the ledger. Let only the gateway reach it, and give it a key"
        )
    if engine.url.scheme == "http":
        yield (
            f"engine {engine.name} is reached by plain http over a public address: prompts, and its key,"
            " can be read on the way. Use https, or a private network"
        )


def _of_prompts(engine: UrlEngine | EmbeddedEngine) -> Iterator[str]:
    """Where tenants of several trust domains meet."""
    dialect = DIALECTS[EngineKind(engine.kind)]
    if dialect.cache_salt:
        return
    if dialect.cache_prompt:
        yield (
            f"engine {engine.name} knows no cache salt, and the keys are of several trust domains: the"
            " reuse of prompts is switched off there. For reuse, give each trust domain an engine, and a"
            " model name, of its own"
        )
    else:
        yield (
            f"engine {engine.name} of kind {engine.kind} is sent no cache salt, and the keys are of"
            " several trust domains: if it reuses prompts, a tenant can tell by time what others have"
            " asked. Switch that off there, or give each trust domain an engine of its own"
        )


def _is_public(host: str) -> bool:
    """By its address; a name may stand for any."""
    try:
        ip = ipaddress.ip_address(host)
    except ValueError:
        return False
    return ip.is_global
