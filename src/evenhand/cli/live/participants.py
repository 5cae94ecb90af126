"""All parts of a gateway that take another configuration without a restart."""

from dataclasses import dataclass

from evenhand.cli.key_desk import KeyDesk
from evenhand.cli.live.beginning import Outside
from evenhand.cli.live.engines import EngineSizes
from evenhand.cli.live.keys import Keys
from evenhand.cli.live.limits import CallBounds
from evenhand.cli.live.participant import Participant
from evenhand.cli.live.tenants import Tenants
from evenhand.cli.live.turns import Turns
from evenhand.gateway.gateway import Gateway


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """What they are made of."""

    gateway: Gateway
    outside: Outside
    keys: KeyDesk | None


def participants(parts: Parts) -> list[Participant]:
    """In the order in which they are applied."""
    gateway = parts.gateway
    return [
        Tenants(gateway.dispatcher.scheduler, gateway.shadow),
        Turns(gateway.dispatcher, gateway.shadow),
        Keys(gateway, parts.outside, parts.keys),
        CallBounds(gateway),
        EngineSizes(gateway.dispatcher),
    ]
