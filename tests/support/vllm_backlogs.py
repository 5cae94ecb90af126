"""Who waits how long, and what others get meanwhile."""

from collections.abc import Mapping

from support.vllm_audit import AuditedEngine


class Backlogs:
    """Looked at after each step. A tenant is backlogged while it has a request that waits for nothing
    but its turn."""

    def __init__(self, engine: AuditedEngine) -> None:
        self._engine = engine
        self._apart: dict[tuple[str, str], tuple[int, int]] = {}
        self._alone_since: dict[str, Mapping[str, int]] = {}
        self.lag_units = 0
        """The most by which the service of two tenants has differed while both were backlogged."""
        self.starved_units = 0
        """The most that any other one got while a backlogged tenant got nothing."""
        self.together: int = 0
        """Steps at whose end at least two were backlogged."""

    def look(self) -> None:
        engine = self._engine
        backlogged = {engine.work[r.request_id].tenant for r in engine.admissible()}
        self.together += len(backlogged) > 1
        served = engine.served
        self._look_at_pairs(sorted(backlogged), served)
        for tenant in backlogged:
            since = self._alone_since.get(tenant)
            if since is None or since[tenant] != served[tenant]:
                self._alone_since[tenant] = dict(served) | {tenant: served[tenant]}
                continue
            others = (served[other] - since.get(other, 0) for other in served if other != tenant)
            self.starved_units = max(self.starved_units, *others)
        for tenant in self._alone_since.keys() - backlogged:
            del self._alone_since[tenant]

    def _look_at_pairs(self, backlogged: list[str], served: Mapping[str, int]) -> None:
        now: dict[tuple[str, str], tuple[int, int]] = {}
        for index, one in enumerate(backlogged):
            for other in backlogged[index + 1 :]:
                apart = served[one] - served[other]
                low, high = self._apart.get((one, other), (apart, apart))
                now[one, other] = low, high = min(low, apart), max(high, apart)
                self.lag_units = max(self.lag_units, high - low)
        self._apart = now
