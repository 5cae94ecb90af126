"""How much a tenant was served at other engines, from what a gateway says that it was served in all."""

from dataclasses import dataclass

from evenhand.model import TenantPath


@dataclass(slots=True)
class _Heard:
    """`told` and `own` are the totals of gateway and engine from which on is counted."""

    told: int
    own: int
    last: int
    fed: int = 0


class Elsewhere:
    """Bounded by the tenants that are known.

    The gateway charges a request at its dispatch with what it expects, the engine token by token. So
    what is in flight here counts as served elsewhere until it is done: the sum that was once fed stays,
    and no more is fed until the difference has grown beyond it. It is too great by what was once in
    flight here at most.
    """

    def __init__(self) -> None:
        self._heard: dict[TenantPath, _Heard] = {}

    def more(self, tenant: TenantPath, told_units: int, own_units: int) -> int:
        """Units to add: 0 when it is heard for the first time, or after its teller has begun anew."""
        heard = self._heard.get(tenant)
        if heard is None or told_units < heard.last // 2:
            self._heard[tenant] = _Heard(told_units, own_units, told_units)
            return 0
        heard.last = max(heard.last, told_units)
        elsewhere = (told_units - heard.told) - (own_units - heard.own)
        more = max(0, elsewhere - heard.fed)
        heard.fed += more
        return more
