"""Whether a body may become a request: whether the gateway, the key and the body itself allow it."""

from typing import TYPE_CHECKING

from evenhand.gateway.admission import Admitted, Refused, admit
from evenhand.gateway.identity import KeyHolder
from evenhand.model import Outcome
from evenhand.telemetry.monitor import FORGED_MEMBERS

if TYPE_CHECKING:  # the gateway makes calls, and calls come in here
    from evenhand.gateway.gateway import Gateway


def let_in(gateway: "Gateway", holder: KeyHolder, path: str, body: bytes) -> Admitted | Refused:
    """What was asked, or why not. The call counts among the holder's open requests already."""
    identity = holder.identity
    if gateway.is_draining:
        message = "The gateway is shutting down. Try again."
        return Refused(Outcome.SHUTTING_DOWN, message, retry_after_ms=1_000)
    admitted = admit(path, body, identity, gateway.models, gateway.limits)
    if isinstance(admitted, Refused):
        return admitted
    if not FORGED_MEMBERS.isdisjoint(admitted.members.values):
        gateway.monitor.forged(identity.tenant, identity.application)
    open_max = identity.open_requests_max
    if open_max is not None and holder.open_requests > open_max:
        message = f"This key has {open_max} requests open, its limit. Wait for one to end."
        dispatcher = gateway.dispatcher
        wait_ms = dispatcher.scheduler.retry_after_ms(identity.tenant, dispatcher.now_ms())
        return Refused(Outcome.KEY_LIMIT, message, retry_after_ms=wait_ms)
    return admitted
