"""The share tree while it is in use: weights, new tenants, tenants that go or move."""

from typing import Final

from evenhand.cli.config import Config
from evenhand.cli.config.problem import Finding
from evenhand.cli.live.participant import Apply
from evenhand.cli.live.place import tenant_place, text_of
from evenhand.cli.live.tree_steps import tree_steps
from evenhand.gateway.shadow_host import ShadowHost
from evenhand.scheduling import Scheduler
from evenhand.scheduling.tree_change import AddTenant, TreeProblem

_OBSERVING: Final = (
    "`mode: observe` compares two orders among the tenants that it began with: take the change back, or"
    " start the gateway anew with it"
)


class Tenants:
    """See `Participant`."""

    sections = frozenset({"tenants"})

    def __init__(self, scheduler: Scheduler, shadow: ShadowHost | None) -> None:
        self._scheduler = scheduler
        self._shadow = shadow

    def plan(self, old: Config, new: Config) -> Apply | list[Finding]:
        steps = tree_steps(old.tenants, new.tenants)
        if not steps:
            return lambda: None
        if self._shadow is not None:
            return [(("tenants",), _OBSERVING)]
        plan = self._scheduler.plan(steps)
        if isinstance(plan, TreeProblem):
            change = plan.change
            path = (
                (*change.parent, change.share.name)
                if isinstance(change, AddTenant)
                else change.path
            )
            return [(("tenants",), f"{text_of(tenant_place(path))}: {plan.message}")]
        return lambda: self._scheduler.apply(plan)
