"""Where responses are that engines keep, so that the next one of a conversation goes to the same engine.

What is kept stays with the engine; here is only whose it is, where, and how long. A tenant finds its own
alone: to all others an id means nothing.
"""

from typing import Final, NamedTuple

from evenhand.model import EngineName, TenantPath, Usage

_OF_TENANT_MAX: Final = 1_000
_IN_ALL_MAX: Final = 100_000


class Home(NamedTuple):
    """Of one response: its engine, and the tokens of the conversation up to it."""

    engine: EngineName
    tokens: int


class ResponseHomes:
    """Bounded for each tenant, and in all: the oldest are forgotten. A restart forgets them all."""

    def __init__(self) -> None:
        self._homes: dict[TenantPath, dict[str, Home]] = {}
        self._count = 0

    def keep(self, tenant: TenantPath, response_id: str, engine: EngineName, usage: Usage) -> None:
        """An engine has answered a tenant, and keeps the answer under that id."""
        of_tenant = self._homes.setdefault(tenant, {})
        self._count += response_id not in of_tenant
        of_tenant.pop(response_id, None)
        of_tenant[response_id] = Home(engine, usage.input_tokens + usage.output_tokens)
        if len(of_tenant) > _OF_TENANT_MAX:
            self._forget(tenant)
        while self._count > _IN_ALL_MAX:
            # The tenant that was first to have any; as a rule not the one that has just come.
            self._forget(next(iter(self._homes)))

    def find(self, tenant: TenantPath, response_id: str) -> Home | None:
        """Where a response of that tenant is; None: nowhere, or it is another's."""
        return self._homes.get(tenant, {}).get(response_id)

    def _forget(self, tenant: TenantPath) -> None:
        of_tenant = self._homes[tenant]
        del of_tenant[next(iter(of_tenant))]
        self._count -= 1
        if not of_tenant:
            del self._homes[tenant]
