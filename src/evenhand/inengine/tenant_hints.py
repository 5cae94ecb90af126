"""What a request says of whose it is, and whether that is believed."""

import logging
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from evenhand.inengine.settings import DEPTH_MAX, path_of
from evenhand.model import ApplicationName, LaneName, TenantPath, TrustDomain
from evenhand.scheduling import WEIGHT_MAX
from evenhand.wire.engine_hints import (
    APPLICATION,
    LANE,
    PREFIX,
    SERVED,
    TENANT,
    TRUST_DOMAIN,
    WEIGHTS,
    is_sealed,
)

ANONYMOUS: TenantPath = ("anonymous",)
NO_LANE = LaneName("default")
NO_APPLICATION = ApplicationName("default")
NO_DOMAIN = TrustDomain("")

_FORGED = (
    "not sealed with the secret that hints_secret names: somebody asks past the gateway, or it has"
    " another secret, and needs this one as hints_secret of its engine"
)
_UNTRUSTED = (
    "given, but neither hints_secret nor trust_hints is set: give engine and gateway one secret"
)
_SERVED_MAX = 1 << 62
_NAME_CHARACTERS_MAX = 256
_log = logging.getLogger("evenhand.inengine")


@dataclass(frozen=True, slots=True, kw_only=True)
class TenantHints:
    """Nobody's in particular, unless it says so. `weights` are those of the nodes of the path, from the
    top; empty: not told. `served_units` is all that the teller has charged the tenant so far."""

    tenant: TenantPath = ANONYMOUS
    weights: tuple[int, ...] = ()
    lane: LaneName = NO_LANE
    application: ApplicationName = NO_APPLICATION
    trust_domain: TrustDomain = NO_DOMAIN
    served_units: int | None = None


NO_HINTS = TenantHints()


class HintReader:
    """Believes what is sealed with `secret`; without a secret all, if it `trusts`, or else nothing. Who
    is not believed is nobody in particular: counted in `problems`, and logged the first time."""

    def __init__(self, *, trusts: bool, secret: bytes | None) -> None:
        self._trusts = trusts
        self._secret = secret
        self.problems: Counter[str] = Counter()  # bounded by its three kinds

    def read(self, told: Mapping[str, Any] | None) -> TenantHints:
        """From the free arguments of a request."""
        if not told or not any(name.startswith(PREFIX) for name in told):
            return NO_HINTS
        if self._secret is not None:
            if not is_sealed(told, self._secret):
                return self._refuse("forged", _FORGED)
        elif not self._trusts:
            return self._refuse("untrusted", _UNTRUSTED)
        hints = read(told)
        if hints is NO_HINTS:
            return self._refuse("malformed", "not of the form that a gateway writes")
        return hints

    def _refuse(self, kind: str, why: str) -> TenantHints:
        self.problems[kind] += 1
        if self.problems[kind] == 1:
            _log.warning(
                "evenhand: a request's tenant hints are %s. It is served as %s, and so is every further"
                " one; they are counted and not logged.",
                why,
                "/".join(ANONYMOUS),
            )
        return NO_HINTS


def read(told: Mapping[str, Any] | None) -> TenantHints:
    """What the free arguments of a request say, believed; malformed: `NO_HINTS`."""
    tenant = told.get(TENANT) if told else None
    if told is None or not isinstance(tenant, str):
        return NO_HINTS
    path = path_of(tenant)
    if path is None:
        return NO_HINTS
    weights, served = told.get(WEIGHTS), told.get(SERVED)
    names = [told.get(name) for name in (LANE, APPLICATION, TRUST_DOMAIN)]
    if not (_are_weights(weights, path) and _is_count(served) and all(map(_is_name, names))):
        return NO_HINTS
    lane, application, domain = names
    return TenantHints(
        tenant=path,
        weights=tuple(weights or ()),
        lane=NO_LANE if lane is None else LaneName(lane),
        application=NO_APPLICATION if application is None else ApplicationName(application),
        trust_domain=NO_DOMAIN if domain is None else TrustDomain(domain),
        served_units=served,
    )


def _are_weights(weights: object, path: TenantPath) -> bool:
    if weights is None:
        return True
    if not isinstance(weights, list | tuple) or len(weights) != len(path) <= DEPTH_MAX:
        return False
    return all(type(weight) is int and 1 <= weight <= WEIGHT_MAX for weight in weights)


def _is_count(served: object) -> bool:
    return served is None or (type(served) is int and 0 <= served <= _SERVED_MAX)


def _is_name(name: object) -> bool:
    return name is None or (isinstance(name, str) and 0 < len(name) <= _NAME_CHARACTERS_MAX)
