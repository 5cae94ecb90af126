"""The scheduler's machine while its share tree changes: nothing is lost, nothing is granted."""

from hypothesis import strategies as st
from hypothesis.stateful import invariant, precondition, rule

from evenhand.model import TenantPath
from evenhand.scheduling import (
    AddTenant,
    MoveTenant,
    Node,
    RemoveTenant,
    SetWeight,
    TenantShare,
    TreeChange,
    TreeProblem,
)
from properties.lanes_machine import LanesMachine

WEIGHTS = st.sampled_from([1, 2, 3, 7, 10])


class ChangingMachine(LanesMachine):
    """Every promise of the machine, under changes of the tree."""

    def __init__(self) -> None:
        super().__init__()
        self.added = 0

    def plan(self, *changes: TreeChange) -> bool:
        """Whether it was applied."""
        plan = self.scheduler.plan(changes)
        if isinstance(plan, TreeProblem):
            assert plan.message.endswith(".")
            return False
        units = {node: node.service_units for node in self.scheduler.tree.nodes()}
        above: set[Node] = set()
        if isinstance(changes[0], MoveTenant):
            for path in (changes[0].path[:-1], changes[0].to):
                parent = self.scheduler.tree.find(path)
                assert parent is not None
                above.update(parent.lineage)
        gaps = {node: self._ahead(node) for node in units if node.parent is not None}
        if isinstance(changes[0], MoveTenant):
            self._about_to_move(changes[0])
        self.scheduler.apply(plan)
        self._note_change(changes[0])
        after = {node: node.service_units for node in self.scheduler.tree.nodes()}
        for node, before in units.items():
            # What runs beneath a moved node goes from its old ancestors to the new ones.
            if node in after and node not in above:
                assert after[node] == before, "service was granted or lost"
        if isinstance(changes[0], MoveTenant):
            moved_node = self.scheduler.tree.find((*changes[0].to, changes[0].path[-1]))
            assert moved_node is not None
            ahead = self._ahead(moved_node)
            if ahead is not None:
                assert ahead >= (gaps[moved_node] or 0), "moving paid a debt"
        self.leaves = [
            node.path
            for node in self.scheduler.tree.nodes()
            if not node.children and not any(above.is_leaving for above in node.lineage)
        ]
        return True

    def _ahead(self, node: Node) -> int | None:
        """How far it stands above the least of its waiting siblings; None: none waits."""
        assert node.parent is not None
        others = [
            sibling.counter(pool)
            for sibling in node.parent.children.values()
            for pool in sibling.waiting_pools
            if sibling is not node
        ]
        return max(0, node.highest_counter - min(others)) if others else None

    def _path(self, data: st.DataObject) -> TenantPath:
        nodes = list(self.scheduler.tree.nodes())
        return data.draw(st.sampled_from([node.path for node in nodes if node.path]))

    @rule(data=st.data(), weight=WEIGHTS)
    def weigh(self, data: st.DataObject, weight: int) -> None:
        path = self._path(data)
        if self.plan(SetWeight(path, weight)):
            node = self.scheduler.tree.find(path)
            assert node is not None
            assert node.weight == weight

    @rule(data=st.data(), weight=WEIGHTS)
    @precondition(lambda self: len(self.leaves) < 12)
    def add(self, data: st.DataObject, weight: int) -> None:
        parent = data.draw(st.sampled_from([(), self._path(data)]))
        self.added += 1
        self.plan(AddTenant(parent, TenantShare(name=f"n{self.added}", weight=weight)))

    @rule(data=st.data())
    @precondition(lambda self: len(self.leaves) > 2)
    def remove(self, data: st.DataObject) -> None:
        path = self._path(data)
        if any(leaf[: len(path)] != path for leaf in self.leaves):
            self.plan(RemoveTenant(path))

    @rule(data=st.data())
    @precondition(lambda self: not self.ground.lanes)
    def move(self, data: st.DataObject) -> None:
        path = self._path(data)
        self.plan(MoveTenant(path, data.draw(st.sampled_from([(), self._path(data)]))))

    def _about_to_move(self, change: MoveTenant) -> None:
        node = self.scheduler.tree.find(change.path)
        assert node is not None
        self.expected.put_elsewhere(node)
        self._moved_from = node.parent

    def _note_change(self, change: TreeChange) -> None:
        if self.bound is None:
            return
        if isinstance(change, SetWeight):
            node = self.scheduler.tree.find(change.path)
            assert node is not None
            self.bound.weighed(node)
        if isinstance(change, MoveTenant):
            node = self.scheduler.tree.find((*change.to, change.path[-1]))
            assert node is not None
            assert self._moved_from is not None
            self.bound.moved(self._moved_from, node)

    def _check_charges(self, node: Node) -> None:
        """Of who left something stays above: what is open, and no more than what was ever settled."""
        running = [r for r in self.running if node in self.leaf_of[r].lineage]
        assert node.service_units >= sum(self._ticket(r).units for r in running)

    @invariant()
    def who_is_gone_is_gone(self) -> None:
        tree = self.scheduler.tree
        for node in tree.nodes():
            assert tree.find(node.path) is node
            assert (node.path in tree._leaves) == (not node.children and node is not tree.root)
            assert node.lineage == (node, *(node.parent.lineage if node.parent else ()))
