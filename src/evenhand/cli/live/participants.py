"""All parts of a gateway that take another configuration without a restart."""

from dataclasses import dataclass

from evenhand.cli.key_desk import KeyDesk
from evenhand.cli.live.access import Admins, Issuers
from evenhand.cli.live.alarms import AlarmThresholds
from evenhand.cli.live.aliases import Aliases
from evenhand.cli.live.beginning import Outside
from evenhand.cli.live.budgets import Budgets
from evenhand.cli.live.engines import EngineSizes
from evenhand.cli.live.keys import Keys
from evenhand.cli.live.limits import CallBounds
from evenhand.cli.live.participant import Participant
from evenhand.cli.live.prices import Prices
from evenhand.cli.live.tenants import Tenants
from evenhand.cli.live.turns import Turns
from evenhand.cli.token_desk import TokenDesk
from evenhand.gateway.admin import AdminCredentials
from evenhand.gateway.gateway import Gateway
from evenhand.telemetry.alarms import Alarms


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """What they are made of."""

    gateway: Gateway
    outside: Outside
    keys: KeyDesk | None
    credentials: AdminCredentials
    tokens: TokenDesk
    alarms: Alarms


def participants(parts: Parts) -> list[Participant]:
    """In the order in which they are applied."""
    gateway = parts.gateway
    return [
        Tenants(gateway.dispatcher.scheduler, gateway.shadow),
        Turns(gateway.dispatcher, gateway.shadow),
        Keys(gateway, parts.outside, parts.keys),
        CallBounds(gateway),
        Prices(gateway.bookkeeping),
        Budgets(gateway.bookkeeping),
        Aliases(gateway),
        EngineSizes(gateway.dispatcher),
        Admins(parts.credentials, parts.outside),
        Issuers(parts.tokens),
        AlarmThresholds(parts.alarms),
    ]
