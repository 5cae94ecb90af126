"""Interactions in progress: which calls continue something that was begun before.

An interaction is one action of a user, which may take several calls. Its id is the client's own word, so
it counts only together with the leaf that the key names: nobody rides on another tenant's. How many are
remembered is bounded, per tenant: the longest idle goes first, and when calls of all of them are open a
new one is not remembered. The next call of one that is not remembered begins an interaction.
"""

from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, field

from evenhand.model import ApplicationName, InteractionId, Request, RequestId
from evenhand.scheduling.chain_length import ChainLengths
from evenhand.scheduling.node import Node
from evenhand.scheduling.tenant_memory import TenantMemory


@dataclass(slots=True, eq=False)
class _Interaction:
    application: ApplicationName
    calls: int = 0
    """Admitted so far, and not withdrawn before they ran."""
    open_calls: int = 0
    idle_since_ms: int = 0
    """Where no call is open."""


@dataclass(slots=True, eq=False)
class _Remembered:
    """Of one tenant; together bounded by `remembered_max`."""

    open: dict[InteractionId, _Interaction] = field(default_factory=dict)
    idle: OrderedDict[InteractionId, _Interaction] = field(default_factory=OrderedDict)
    """The longest idle first."""


class Interactions:
    """Told of every call that is admitted, and of its end."""

    def __init__(self, values: Mapping[str, int]) -> None:
        """`values` are those of the parameters in `interaction_dials.py`."""
        self._calls_max = values["interaction_calls_max"]
        self._idle_ms = values["interaction_idle_s"] * 1000
        self._remembered_max = values["tenant_interactions_max"]
        self._chains = ChainLengths(calls_max=self._calls_max)
        self._tenants: TenantMemory[_Remembered] = TenantMemory(
            _Remembered,
            idle_ms=self._idle_ms,
            is_busy=lambda tenant: bool(tenant.open),
            on_idle=lambda leaf, tenant: self._drop_idle(leaf, tenant, len(tenant.idle)),
        )
        # Both bounded by the open requests.
        self._open: dict[RequestId, _Interaction] = {}
        self._later_calls: set[RequestId] = set()

    def continues(self, request: Request, leaf: Node, now_ms: int) -> bool:
        """Whether it would be a later call of an interaction in progress. Each `interaction_calls_max`
        calls an interaction counts as begun anew. Changes nothing."""
        tenant = self._tenants.of(leaf)
        if tenant is None:
            return False
        interaction = tenant.open.get(request.interaction)
        if interaction is None:
            interaction = tenant.idle.get(request.interaction)
            if interaction is None or now_ms - interaction.idle_since_ms >= self._idle_ms:
                return False
        return interaction.calls % self._calls_max != 0

    def called(self, request: Request, leaf: Node, now_ms: int) -> None:
        """A call is admitted. Once each."""
        if not request.interaction:
            return  # an interaction of its own
        if self.continues(request, leaf, now_ms):
            self._later_calls.add(request.id)
        tenant = self._tenants.active(leaf, now_ms)
        self._drop_expired(leaf, tenant, now_ms)
        interaction = tenant.open.get(request.interaction)
        if interaction is None:
            interaction = tenant.idle.pop(request.interaction, None)
        if interaction is None:
            if len(tenant.open) + len(tenant.idle) >= self._remembered_max:
                if not tenant.idle:
                    return
                self._drop_idle(leaf, tenant, 1)
            interaction = _Interaction(request.application)
        tenant.open[request.interaction] = interaction
        interaction.calls += 1
        interaction.open_calls += 1
        self._open[request.id] = interaction

    def is_later_call(self, request: Request) -> bool:
        """Whether an open request continued an interaction when it came."""
        return request.id in self._later_calls

    def ended(self, request: Request, leaf: Node, now_ms: int, *, has_run: bool) -> None:
        """An admitted call is over. One that never ran has begun and continued nothing. Once each."""
        interaction = self._open.pop(request.id, None)
        if interaction is None:
            return
        self._later_calls.discard(request.id)
        interaction.open_calls -= 1
        if not has_run:
            interaction.calls -= 1
        tenant = self._tenants.of(leaf)
        if tenant is None or interaction.open_calls:
            return
        del tenant.open[request.interaction]
        if interaction.calls:
            interaction.idle_since_ms = now_ms
            tenant.idle[request.interaction] = interaction
            self._tenants.active(leaf, now_ms)

    def expected_calls(self, request: Request, leaf: Node) -> int:
        """How many calls a new interaction would take that begins with this one."""
        if not request.interaction:
            return 1
        return self._chains.calls(leaf, request.application, request.calls_declared)

    def remembered(self, leaf: Node) -> int:
        """Interactions of that tenant that are remembered; at most `tenant_interactions_max`."""
        tenant = self._tenants.of(leaf)
        return 0 if tenant is None else len(tenant.open) + len(tenant.idle)

    def forget(self, leaf: Node) -> None:
        """The tenant has long been idle, or was taken out of the tree: what was learned goes. What may
        be in progress goes by itself."""
        self._chains.forget(leaf)

    def _drop_expired(self, leaf: Node, tenant: _Remembered, now_ms: int) -> None:
        while tenant.idle:
            longest_idle = next(iter(tenant.idle.values()))
            if now_ms - longest_idle.idle_since_ms < self._idle_ms:
                return
            self._drop_idle(leaf, tenant, 1)

    def _drop_idle(self, leaf: Node, tenant: _Remembered, count: int) -> None:
        """They are over, as far as anybody can tell: their length is known."""
        for _ in range(count):
            _, interaction = tenant.idle.popitem(last=False)
            self._chains.learn(leaf, interaction.application, interaction.calls)
