"""Whether a body may become a request: whether the gateway, the key and the body itself allow it."""

from typing import TYPE_CHECKING

from evenhand.gateway.admission import Admitted, Refused, admit
from evenhand.gateway.apis import Api
from evenhand.gateway.dispatcher import TENANT_GONE
from evenhand.gateway.identity import Identity, KeyHolder
from evenhand.model import Outcome
from evenhand.scheduling.cost.weights import INPUT_BYTES_PER_TOKEN_PRIOR
from evenhand.telemetry.monitor import FORGED_MEMBERS
from evenhand.wire.api_name import ApiName

SERVED_BY_SOME = frozenset({ApiName.RESPONSES, ApiName.MESSAGES})
"""APIs that engines need not serve."""

if TYPE_CHECKING:  # the gateway makes calls, and calls come in here
    from evenhand.gateway.gateway import Gateway


def let_in(gateway: "Gateway", holder: KeyHolder, api: Api, body: bytes) -> Admitted | Refused:
    """What was asked, or why not. The call counts among the holder's open requests already."""
    identity = holder.identity
    if gateway.is_draining:
        message = "The gateway is shutting down. Try again."
        return Refused(Outcome.SHUTTING_DOWN, message, retry_after_ms=1_000)
    scheduler = gateway.dispatcher.scheduler
    if not scheduler.tree.has_leaf(identity.tenant):
        return Refused(Outcome.UNAUTHENTICATED, TENANT_GONE)
    is_bounded = gateway.bookkeeping.is_bounded(identity)
    admitted = admit(api, body, identity, gateway.served, gateway.limits, is_bounded=is_bounded)
    if isinstance(admitted, Refused):
        return admitted
    if not FORGED_MEMBERS.isdisjoint(admitted.members.values):
        gateway.monitor.forged(identity.tenant, identity.application)
    if api.name in SERVED_BY_SOME:
        admitted = _placed(gateway, api, admitted, identity)
        if isinstance(admitted, Refused):
            return admitted
    open_max = identity.open_requests_max
    if open_max is not None and holder.open_requests > open_max:
        message = f"This key has {open_max} requests open, its limit. Wait for one to end."
        wait_ms = scheduler.retry_after_ms(identity.tenant, gateway.dispatcher.now_ms())
        return Refused(Outcome.KEY_LIMIT, message, retry_after_ms=wait_ms)
    return admitted


def _placed(
    gateway: "Gateway", api: Api, admitted: Admitted, identity: Identity
) -> Admitted | Refused:
    """With the engines that serve this API; every one, up or not, so that which of them is up changes
    nothing of what is served."""
    model = admitted.completion.model
    all_of_it = [link for link in gateway.dispatcher.engines.values() if model in link.models]
    engines = sorted(link.name for link in all_of_it if api.name in link.apis)
    if engines and admitted.completion.previous is not None:
        return _with_its_past(gateway, admitted, admitted.completion.previous, identity)
    if len(engines) == len(all_of_it):
        return admitted
    if engines:
        return admitted._replace(engines=tuple(engines))
    message = (
        f"No engine that serves {model} speaks the API of {api.path}. Use /v1/chat/completions for it, "
        "or ask for another model."
    )
    return Refused(Outcome.NOT_FOUND, message, "model")


def _with_its_past(
    gateway: "Gateway", admitted: Admitted, previous: str, identity: Identity
) -> Admitted | Refused:
    """At the engine that keeps the response which it goes on from: its prompt is longer by that."""
    home = gateway.homes.find(identity.tenant, previous)
    link = None if home is None else gateway.dispatcher.engines.get(home.engine)
    completion = admitted.completion
    if home is None or link is None or completion.model not in link.models:
        message = (
            f"There is no response {previous[:100]!r} of yours to go on from: none was kept, or not for"
            " so long. Send the whole conversation in input."
        )
        return Refused(Outcome.NOT_FOUND, message, "previous_response_id")
    prompt_bytes = completion.prompt_bytes + home.tokens * INPUT_BYTES_PER_TOKEN_PRIOR
    grown = completion._replace(prompt_bytes=prompt_bytes)
    return admitted._replace(completion=grown, engines=(home.engine,))
