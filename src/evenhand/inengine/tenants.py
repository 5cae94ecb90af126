"""The share tree inside an engine grows by the tenants that are heard of."""

from evenhand.model import TenantPath
from evenhand.scheduling import (
    AddTenant,
    Scheduler,
    SetWeight,
    TenantShare,
    TreeChange,
    TreeProblem,
)

OTHERS: TenantPath = ("others",)


class KnownTenants:
    """Beside those of the settings at most `tenants_max`; whoever comes then is of `others`, and so is
    whoever names a node that has tenants beneath it, or one that is a tenant with open requests."""

    def __init__(self, scheduler: Scheduler, *, tenants_max: int) -> None:
        self._scheduler = scheduler
        self._tree = scheduler.tree
        self._left = tenants_max
        # Bounded by `tenants_max`: for those whose weights were told, the weights that they have.
        self._weights: dict[TenantPath, tuple[int, ...]] = {}

    def leaf(self, path: TenantPath, weights: tuple[int, ...] = ()) -> TenantPath:
        """Where its requests belong. `weights` are those of the nodes of its path, if told."""
        node = self._tree.find(path)
        if node is None:
            if not self._add(path, weights):
                return self._others()
        elif node.children:
            return self._others()
        elif weights and self._weights.get(path) != weights:
            self._weigh(path, weights)
        if weights:
            self._weights[path] = weights
        return path

    def _others(self) -> TenantPath:
        path = OTHERS
        while (node := self._tree.find(path)) is not None:
            if not node.children:
                return path
            path = (
                *path,
                OTHERS[0],
            )  # an operator has called a node so that has tenants beneath it
        self._change(AddTenant(path[:-1], TenantShare(name=path[-1])))
        return path

    def _add(self, path: TenantPath, weights: tuple[int, ...]) -> bool:
        """Whether there was room and place for it."""
        if not self._left:
            return False
        known = 0
        while self._tree.find(path[: known + 1]) is not None:
            known += 1
        share: TenantShare | None = None
        for depth in range(len(path) - 1, known - 1, -1):
            share = TenantShare(
                name=path[depth],
                weight=weights[depth] if weights else 1,
                children=() if share is None else (share,),
            )
        assert share is not None, "it is not known"
        if not self._change(AddTenant(path[:known], share)):
            return False
        self._left -= 1
        if weights and known:
            self._weigh(path, weights)
        return True

    def _weigh(self, path: TenantPath, weights: tuple[int, ...]) -> None:
        for depth, weight in enumerate(weights, start=1):
            node = self._tree.find(path[:depth])
            if node is not None and node.weight != weight:
                self._change(SetWeight(path[:depth], weight))

    def _change(self, change: TreeChange) -> bool:
        plan = self._scheduler.plan([change])
        if isinstance(plan, TreeProblem):
            return False
        self._scheduler.apply(plan)
        return True
