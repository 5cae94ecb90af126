"""Carries out planned changes of the share tree, requests in flight included; later takes out who has
left."""

from collections.abc import Callable, Iterable

from evenhand.model import TenantPath
from evenhand.scheduling.node import Node
from evenhand.scheduling.picking import Picking
from evenhand.scheduling.share_tree import ShareTree
from evenhand.scheduling.ticket import Ticket
from evenhand.scheduling.tree_change import (
    AddTenant,
    MoveTenant,
    RemoveTenant,
    SetWeight,
    TreePlan,
)


class Reshape:
    """`open_tickets` are all that wait or run; `on_gone` hears of each node that was taken out."""

    def __init__(
        self,
        tree: ShareTree,
        open_tickets: Callable[[], Iterable[Ticket]],
        picking: Picking,
        on_gone: Callable[[Node], None],
    ) -> None:
        self._tree = tree
        self._open_tickets = open_tickets
        self._picking = picking
        self._on_gone = on_gone
        self._leaving: dict[Node, None] = {}

    def parts_changed(self, picking: Picking, on_gone: Callable[[Node], None]) -> None:
        """Others pick and remember from here on."""
        self._picking, self._on_gone = picking, on_gone

    def apply(self, plan: TreePlan) -> None:
        """Do all of a plan that was made for the tree as it is."""
        assert plan.version == self._tree.version, "the tree has changed since: plan anew"
        for change in plan.changes:
            match change:
                case SetWeight(path, weight):
                    node = self._node(path)
                    running = sum(ticket.units for ticket in self._beneath(node))
                    self._tree.weigh(node, weight, running)
                case AddTenant(parent, share):
                    self._tree.add(self._node(parent), share)
                case RemoveTenant(path):
                    node = self._node(path)
                    node.is_leaving = True
                    self._leaving[node] = None
                case MoveTenant(path, to):
                    self._move(self._node(path), self._node(to))
        self.take_out_the_gone()

    def take_out_the_gone(self) -> None:
        """Whoever is leaving and has nothing open any more, goes."""
        for node in list(self._leaving):
            if not (node.queued_requests or node.running_requests):
                del self._leaving[node]
                self._tree.take_out(node)
                self._on_gone(node)

    def _move(self, node: Node, to: Node) -> None:
        """Its requests are taken out, with what they are charged, and put back at the new place."""
        moved = self._beneath(node)
        charged = [(ticket, ticket.units) for ticket in moved if ticket.units or ticket.engine]
        waiting = [ticket for ticket in moved if ticket.engine is None]
        for ticket in waiting:
            self._picking.take_out(ticket)
        for ticket, units in charged:
            self._tree.occupy(ticket.leaf, -1 if ticket.engine else 0, -units)
        self._tree.move(node, to)
        for ticket, units in charged:
            self._tree.occupy(ticket.leaf, 1 if ticket.engine else 0, units)
        for ticket in sorted(waiting, key=lambda ticket: ticket.sequence):
            self._picking.put_back(ticket)

    def _beneath(self, node: Node) -> list[Ticket]:
        return [ticket for ticket in self._open_tickets() if node in ticket.leaf.lineage]

    def _node(self, path: TenantPath) -> Node:
        node = self._tree.find(path)
        assert node is not None, "the plan was checked"
        return node
