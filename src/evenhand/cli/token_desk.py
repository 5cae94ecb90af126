"""The issuers of tokens: their keys, kept fresh, and what their claims mean in this gateway."""

from collections.abc import Callable
from contextlib import suppress

from evenhand.cli.config import Config
from evenhand.cli.config.identity import Claim, TokenIssuer
from evenhand.gateway.admin import Recogniser
from evenhand.gateway.identity import KeyRing
from evenhand.gateway.tokens import (
    ClaimRule,
    FileSource,
    IssuerRules,
    KeyWatch,
    TokenRing,
    UrlSource,
    token_admins,
)
from evenhand.gateway.tokens.key_set import KeySetError
from evenhand.gateway.tokens.key_source import NoKeysError
from evenhand.gateway.tokens.token_ring import Bearer
from evenhand.gateway.tokens.verification import Issuer
from evenhand.model import LaneName, ModelName, TenantPath
from evenhand.telemetry import RequestLog


class TokenDesk:
    """Made in the loop. `change` puts a configuration in force, at first and later; `stop` at the
    end."""

    def __init__(
        self, keys: KeyRing, exists: Callable[[TenantPath], bool], log: RequestLog
    ) -> None:
        """`exists` says whether a path is a tenant that requests can belong to."""
        self._keys = keys
        self._log = log
        self._watches: dict[str, tuple[TokenIssuer, KeyWatch]] = {}
        self.ring = TokenRing(exists=exists, meet=keys.trust_domains.add, told=self._accepted)

    @property
    def recogniser(self) -> Recogniser:
        """For the admin listener."""
        return token_admins(self.ring, self._keys.digest, lambda: self._keys.wall_ms() / 1000)

    def change(self, config: Config) -> None:
        """From here on these issuers are believed, and tenants and lanes are these. An issuer whose keys
        are where they were keeps those that were read."""
        issuers, watches = {}, {}
        for settings in config.identity.jwt:
            known, watch = self._watches.pop(settings.name, (None, None))
            if known is None or watch is None or not _is_same_source(known, settings):
                if watch is not None:
                    watch.stop()
                watch = self._watch(settings)
            watches[settings.name] = (settings, watch)
            issuers[settings.issuer] = Issuer(_rules(settings, config), watch.keys, watch.want)
        self.stop()
        self._watches = watches
        self.ring.replace(issuers)
        self._keys.tokens = self.ring if issuers else None

    def stop(self) -> None:
        """Read no keys any more."""
        for _, watch in self._watches.values():
            watch.stop()

    def _watch(self, settings: TokenIssuer) -> KeyWatch:
        def told(problem: str | None) -> None:
            self._log.event("issuer_keys", issuer=settings.name, problem=problem)

        if settings.jwks_file is not None:
            file = FileSource(settings.jwks_file)
            watch = KeyWatch(file, on_change=self.ring.forget, told=told)
            # From the first request on. If it has gone bad since the configuration was looked at, the
            # reading in the background tells.
            with suppress(NoKeysError, KeySetError):
                watch.take(file.read_now())
        else:
            assert settings.jwks_url is not None, "the configuration has one of the two"
            watch = KeyWatch(UrlSource(settings.jwks_url), on_change=self.ring.forget, told=told)
        watch.start()
        return watch

    def _accepted(self, bearer: Bearer) -> None:
        holder = bearer.holder
        self._log.event(
            "token_accepted",
            issuer=bearer.issuer,
            subject=bearer.subject,
            tenant=None if holder is None else "/".join(holder.identity.tenant),
            role=None if bearer.role is None else bearer.role.name.lower(),
        )


def _is_same_source(one: TokenIssuer, other: TokenIssuer) -> bool:
    return (one.jwks_url, one.jwks_file) == (other.jwks_url, other.jwks_file)


def _rules(settings: TokenIssuer, config: Config) -> IssuerRules:
    models = None
    if "*" not in settings.models:
        models = frozenset(ModelName(model) for model in settings.models)
    return IssuerRules(
        name=settings.name,
        issuer=settings.issuer,
        audience=settings.audience,
        algorithms=frozenset(settings.algorithms),
        leeway_s=settings.leeway_s,
        tenant=_rule(settings.tenant),
        application=_rule(settings.application),
        trust_domain=_rule(settings.trust_domain),
        lane=_rule(settings.lane),
        role=_rule(settings.role),
        waits_ms={
            LaneName(lane.name): round(lane.queue_wait_s_max * 1000) for lane in config.lanes
        },
        models=models,
        open_requests_max=settings.limits.open_requests_max,
        output_tokens_max=settings.limits.output_tokens_max,
    )


def _rule(claim: Claim | None) -> ClaimRule | None:
    if claim is None:
        return None
    return ClaimRule(claim=claim.claim, values=claim.values, default=claim.default)
