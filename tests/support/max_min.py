"""Max-min fair shares by water filling: what a fair division of a capacity is, exactly.

Nobody gets more than he asks for; what one leaves is shared by the others by weight; nobody can get
more except at the cost of somebody who has no more for his weight. Rational numbers, no rounding.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction

Amount = int | Fraction


def max_min(
    demands: Mapping[str, Amount], capacity: Amount, weights: Mapping[str, Amount] | None = None
) -> dict[str, Fraction]:
    """Shares by name. The water rises alike for all, by weight; who is satisfied gets out."""
    assert capacity >= 0
    assert all(demand >= 0 for demand in demands.values())
    weigh = {name: Fraction(weights[name] if weights else 1) for name in demands}
    assert all(weight > 0 for weight in weigh.values())
    left, shares = Fraction(capacity), dict.fromkeys(demands, Fraction(0))
    # By how high the water must stand to satisfy one, so a pass is enough.
    thirsty = sorted(demands, key=lambda name: demands[name] / weigh[name])
    for place, name in enumerate(thirsty):
        level = left / sum(weigh[other] for other in thirsty[place:])
        shares[name] = min(Fraction(demands[name]), level * weigh[name])
        left -= shares[name]
    return shares


@dataclass(frozen=True, kw_only=True)
class Sharer:
    """A node of a share tree: a leaf demands, an inner node what its leaves do."""

    name: str
    weight: Amount = 1
    demand: Amount = 0
    children: tuple["Sharer", ...] = ()

    @property
    def total_demand(self) -> Amount:
        return sum(child.total_demand for child in self.children) if self.children else self.demand


def tree_max_min(sharers: Sequence[Sharer], capacity: Amount) -> dict[tuple[str, ...], Fraction]:
    """Shares of the leaves by path: each node divides among its children what it gets."""
    shares = max_min(
        {one.name: one.total_demand for one in sharers},
        capacity,
        {one.name: one.weight for one in sharers},
    )
    leaves: dict[tuple[str, ...], Fraction] = {}
    for one in sharers:
        if not one.children:
            leaves[one.name,] = shares[one.name]
            continue
        for path, share in tree_max_min(one.children, shares[one.name]).items():
            leaves[one.name, *path] = share
    return leaves
