"""What each tenant was promised, when the tree changes."""

from evenhand.scheduling import ShareTree, TenantShare
from evenhand.telemetry.standings import Standings


def test_standings_follow_changes_of_the_tree() -> None:
    tree = ShareTree((TenantShare(name="a"), TenantShare(name="b")))
    standings = Standings(tree)
    assert standings.of(tree.leaf(("a",))).share_promised == 0.5
    tree.weigh(tree.leaf(("a",)), 3, 0)
    tree.add(tree.root, TenantShare(name="c", weight=4))
    assert standings.leaves == 3
    assert standings.of(tree.leaf(("a",))).share_promised == 3 / 8
    assert standings.of(tree.leaf(("c",))).share_promised == 0.5
