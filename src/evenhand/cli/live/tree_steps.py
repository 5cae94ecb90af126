"""From one share tree of the configuration to another: the changes that the scheduler knows.

A tenant that is gone from one place and has come, under the same name, at one other place has moved: it
keeps what it is ahead of the others, and its open requests. Where the name stands for several that came
or went, nobody can tell, and they are removed and added.
"""

from collections import Counter
from collections.abc import Sequence

from evenhand.cli.config import Tenant
from evenhand.model import TenantPath
from evenhand.scheduling import TenantShare
from evenhand.scheduling.tree_change import (
    AddTenant,
    MoveTenant,
    RemoveTenant,
    SetWeight,
    TreeChange,
)


def tree_steps(old: Sequence[Tenant], new: Sequence[Tenant]) -> list[TreeChange]:
    """In the order in which they can be carried out."""
    if old == new:
        return []
    standing: dict[TenantPath, int] = {}
    weights: dict[TenantPath, int] = {}
    _note_unlike(old, new, (), standing, weights)
    come = sorted((path for path in weights if path not in standing), key=len)
    gone = [path for path in standing if path not in weights]
    came, went = Counter(path[-1] for path in come), Counter(path[-1] for path in gone)
    left = {path[-1]: path for path in gone if went[path[-1]] == 1}
    steps: list[TreeChange] = []
    for path in come:
        if path in standing:
            continue  # it came with one that has moved
        before = left.get(path[-1]) if came[path[-1]] == 1 else None
        if before in standing and before not in weights and path[: len(before)] != before:
            steps.append(MoveTenant(before, path[:-1]))
            standing = _renamed(standing, before, path)
        else:
            share = TenantShare(name=path[-1], weight=weights[path])
            steps.append(AddTenant(path[:-1], share))
            standing[path] = weights[path]
    removed: set[TenantPath] = set()
    for path in sorted((path for path in standing if path not in weights), key=len):
        if not any(path[:depth] in removed for depth in range(1, len(path))):
            steps.append(RemoveTenant(path))
        removed.add(path)
    for path, weight in weights.items():
        if standing[path] != weight:
            steps.append(SetWeight(path, weight))
    return steps


def _note_unlike(
    old: Sequence[Tenant],
    new: Sequence[Tenant],
    above: TenantPath,
    standing: dict[TenantPath, int],
    weights: dict[TenantPath, int],
) -> None:
    """The weights before and after of all tenants that are not alike, with those above them: of a
    hundred thousand they are few."""
    news = {tenant.name: tenant for tenant in new}
    for tenant in old:
        other = news.pop(tenant.name, None)
        if other is tenant or other == tenant:
            continue
        path = (*above, tenant.name)
        standing[path] = tenant.weight
        if other is not None:
            weights[path] = other.weight
        below = () if other is None else other.children
        _note_unlike(tenant.children, below, path, standing, weights)
    for name, other in news.items():
        weights[*above, name] = other.weight
        _note_unlike((), other.children, (*above, name), standing, weights)


def moves_of(steps: Sequence[TreeChange]) -> list[tuple[TenantPath, TenantPath]]:
    """Where tenants move from and to, in order."""
    return [
        (step.path, (*step.to, step.path[-1])) for step in steps if isinstance(step, MoveTenant)
    ]


def _renamed(
    standing: dict[TenantPath, int], before: TenantPath, after: TenantPath
) -> dict[TenantPath, int]:
    length = len(before)
    return {
        (*after, *path[length:]) if path[:length] == before else path: weight
        for path, weight in standing.items()
    }
