"""What one attempt sends, and who listens to the answer."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from evenhand.gateway.admission import Admitted
from evenhand.gateway.apis import Api
from evenhand.gateway.engine_link import EngineLink
from evenhand.gateway.engine_stay import EngineStay
from evenhand.gateway.identity import Identity
from evenhand.gateway.relay import Relay, Relayed
from evenhand.model import Usage
from evenhand.wire.dialect import keeps_apart

if TYPE_CHECKING:  # the gateway makes calls, and calls send errands
    from evenhand.gateway.gateway import Gateway


def errand(
    gateway: "Gateway",
    call: Relayed,
    api: Api,
    admitted: Admitted,
    *,
    identity: Identity,
    stay: EngineStay,
    input_tokens: int,
) -> tuple[bytes, Relay]:
    """The body for that engine, and the relay of its answer. `input_tokens` is the estimate."""
    engine, completion = stay.link, admitted.completion
    if completion.is_kept and not engine.keeps_responses:
        completion = completion._replace(is_kept=False)
    dialect = engine.dialect
    salt = gateway.salts.of(identity.trust_domain)
    hints = engine.told_of(identity, gateway.dispatcher.scheduler)
    sent = api.engine_body(admitted.members, completion, dialect, cache_salt=salt, hints=hints)
    relay = Relay(
        call,
        api,
        completion,
        gateway.limits,
        input_tokens=input_tokens,
        asks_for_more=sent.asks_for_more,
        counts_one_choice=dialect.counts_one_choice,
        hides_cached=salt is not None and not keeps_apart(dialect, completion),
        origin=stay.origin(completion.choices),
        on_kept=_keeping(gateway, identity, engine) if completion.is_kept else None,
    )
    return sent.body, relay


def _keeping(
    gateway: "Gateway", identity: Identity, engine: EngineLink
) -> Callable[[str, Usage], None]:
    def keep(response_id: str, usage: Usage) -> None:
        gateway.homes.keep(identity.tenant, response_id, engine.name, usage)

    return keep
