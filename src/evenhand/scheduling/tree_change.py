"""Changes of the share tree while it is in use: a plan, which may be refused whole, then its
application.

The application cannot fail. No request is lost, no service is granted or taken away (live-changes.md).
"""

from collections.abc import Iterable
from dataclasses import dataclass

from evenhand.model import TenantPath
from evenhand.scheduling.node import WEIGHT_MAX
from evenhand.scheduling.share_tree import ShareTree, TenantShare


@dataclass(frozen=True, slots=True)
class SetWeight:
    """Another weight for a tenant."""

    path: TenantPath
    weight: int


@dataclass(frozen=True, slots=True)
class AddTenant:
    """A new tenant, with all beneath it, under a parent (empty: the root)."""

    parent: TenantPath
    share: TenantShare


@dataclass(frozen=True, slots=True)
class RemoveTenant:
    """A tenant and all beneath it go when their last open request has ended. From the application on,
    the host submits nothing for them."""

    path: TenantPath


@dataclass(frozen=True, slots=True)
class MoveTenant:
    """A tenant with all beneath it goes under another parent (empty: the root), open requests
    included."""

    path: TenantPath
    to: TenantPath


TreeChange = SetWeight | AddTenant | RemoveTenant | MoveTenant


@dataclass(frozen=True, slots=True)
class TreePlan:
    """Changes that were checked against the tree of that version, in order."""

    changes: tuple[TreeChange, ...]
    version: int


@dataclass(frozen=True, slots=True)
class TreeProblem:
    """Why a plan is refused, and what to do."""

    change: TreeChange
    message: str


def plan_changes(tree: ShareTree, changes: Iterable[TreeChange]) -> TreePlan | TreeProblem:
    """Check changes one after another on a sketch of the tree. Nothing is changed."""
    planned = tuple(changes)
    # To sketch a large tree takes a while, and for weights alone it need not be.
    sketch = None if all(isinstance(one, SetWeight) for one in planned) else _Sketch(tree)
    for change in planned:
        message = _cannot_weigh(tree, change) if sketch is None else sketch.change(change)
        if message is not None:
            return TreeProblem(change, message)
    return TreePlan(planned, tree.version)


def _cannot_weigh(tree: ShareTree, change: TreeChange) -> str | None:
    assert isinstance(change, SetWeight)
    node = tree.find(change.path)
    if node is None or node.parent is None or any(above.is_leaving for above in node.lineage):
        return _no_tenant(change.path)
    return _bad_weight(change.path, change.weight)


class _Sketch:
    """Who there is, by path, and which leaves have requests open."""

    def __init__(self, tree: ShareTree) -> None:
        self._children: dict[TenantPath, set[str]] = {}
        self._busy: set[TenantPath] = set()
        self._leaving: set[TenantPath] = set()
        for node in tree.nodes():
            self._children[node.path] = set(node.children)
            if not node.children and (node.queued_requests or node.running_requests):
                self._busy.add(node.path)
            if any(above.is_leaving for above in node.lineage):
                self._leaving.add(node.path)

    def change(self, change: TreeChange) -> str | None:
        """Sketch one change; what is wrong with it, in a sentence that says what to do."""
        match change:
            case SetWeight(path, weight):
                return self._missing(path) or _bad_weight(path, weight)
            case AddTenant(parent, share):
                return self._cannot_hold(parent, share.name) or self._add(parent, share)
            case RemoveTenant(path):
                return self._missing(path) or self._remove(path)
            case MoveTenant(path, to):
                return self._missing(path) or self._move(path, to)

    def _missing(self, path: TenantPath) -> str | None:
        if path and path in self._children and path not in self._leaving:
            return None
        return _no_tenant(path)

    def _cannot_hold(self, parent: TenantPath, name: str) -> str | None:
        """Why a child of that name cannot be put there."""
        if parent:
            missing = self._missing(parent)
            if missing is not None:
                return missing
        if name in self._children[parent]:
            return f"{_words((*parent, name))} exists already. Choose another name."
        if parent in self._busy:
            return (
                f"{_words(parent)} has requests open and would cease to be a leaf. "
                "Wait until they have ended, or put the tenant elsewhere."
            )
        return None

    def _add(self, parent: TenantPath, share: TenantShare) -> str | None:
        path = (*parent, share.name)
        bad = _bad_weight(path, share.weight)
        if bad is not None:
            return bad
        self._children[parent].add(share.name)
        self._children[path] = set()
        for child in share.children:
            bad = self._cannot_hold(path, child.name) or self._add(path, child)
            if bad is not None:
                return bad
        return None

    def _remove(self, path: TenantPath) -> str | None:
        staying = [name for name in self._children[()] if (name,) not in self._leaving]
        if staying == [path[0]] and len(path) == 1:
            return f"{_words(path)} is the last tenant. Add another one first."
        self._leaving.update(p for p in self._children if p[: len(path)] == path)
        return None

    def _move(self, path: TenantPath, to: TenantPath) -> str | None:
        if to[: len(path)] == path:
            return f"{_words(path)} cannot be put beneath itself. Choose another parent."
        bad = self._cannot_hold(to, path[-1])
        if bad is not None:
            return bad
        self._children[path[:-1]].discard(path[-1])
        self._children[to].add(path[-1])
        for known in (self._children, self._busy, self._leaving):
            _rename(known, path, (*to, path[-1]))
        return None


def _rename(
    known: dict[TenantPath, set[str]] | set[TenantPath], path: TenantPath, new: TenantPath
) -> None:
    for old in [p for p in known if p[: len(path)] == path]:
        renamed = (*new, *old[len(path) :])
        if isinstance(known, dict):
            known[renamed] = known.pop(old)
        else:
            known.discard(old)
            known.add(renamed)


def _no_tenant(path: TenantPath) -> str:
    return f"There is no tenant {_words(path)}. Name one of those that exist."


def _bad_weight(path: TenantPath, weight: int) -> str | None:
    if 1 <= weight <= WEIGHT_MAX:
        return None
    return f"The weight of {_words(path)} must be from 1 to {WEIGHT_MAX}, not {weight}."


def _words(path: TenantPath) -> str:
    return "/".join(path) or "the root"
