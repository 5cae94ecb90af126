"""Who waits how long, and what others get meanwhile."""

from collections.abc import Callable

from support.vllm_audit import AuditedEngine

ServiceOf = Callable[[str], int]


class Spread:
    """By how much the service of two tenants differs over any time in which both are backlogged."""

    def __init__(self, service_of: ServiceOf) -> None:
        self._service_of = service_of
        self._apart: dict[tuple[str, str], tuple[int, int]] = {}
        self.widest = 0

    def look(self, backlogged: list[str]) -> None:
        served = [(tenant, self._service_of(tenant)) for tenant in backlogged]
        now: dict[tuple[str, str], tuple[int, int]] = {}
        for index, (one, of_one) in enumerate(served):
            for other, of_other in served[index + 1 :]:
                apart = of_one - of_other
                low, high = self._apart.get((one, other), (apart, apart))
                now[one, other] = low, high = min(low, apart), max(high, apart)
                self.widest = max(self.widest, high - low)
        self._apart = now


class Backlogs:
    """Looked at after each step. A tenant is backlogged while it has a request that waits for nothing
    but its turn. `done` is of work done, `charged` of what the core says, where there is one."""

    def __init__(self, engine: AuditedEngine) -> None:
        self._engine = engine
        self.done = Spread(engine.served.__getitem__)
        self.charged: Spread | None = None
        if engine.host is not None:
            core = engine.host.scheduler
            self.charged = Spread(lambda tenant: int(core.served_units((tenant,))))
        self._empty_since: dict[str, dict[str, int]] = {}
        self.starved_units = 0
        """The most that another tenant got while a backlogged one got nothing at all."""
        self.together = 0
        """Steps at whose end at least two were backlogged."""

    def look(self) -> None:
        engine = self._engine
        backlogged = sorted({engine.work[r.request_id].tenant for r in engine.admissible()})
        self.together += len(backlogged) > 1
        self.done.look(backlogged)
        if self.charged is not None:
            self.charged.look(backlogged)
        self._look_for_hunger(backlogged)

    def _look_for_hunger(self, backlogged: list[str]) -> None:
        served = self._engine.served
        for tenant in self._empty_since.keys() - set(backlogged):
            del self._empty_since[tenant]
        for tenant in backlogged:
            since = self._empty_since.get(tenant)
            if since is None or since.get(tenant, 0) != served[tenant]:
                self._empty_since[tenant] = dict(served)
                continue
            got = [served[name] - since.get(name, 0) for name in served]
            self.starved_units = max([self.starved_units, *got])
