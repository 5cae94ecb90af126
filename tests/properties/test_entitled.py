"""What each tenant was due of a second is the max-min division, but for whole units; the index of
fairness is Jain's."""

from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st

from evenhand.scheduling import Node, ShareTree, TenantShare
from evenhand.telemetry.samples.entitled import entitled
from evenhand.telemetry.samples.fairness import jain_ppm
from support.max_min import Sharer, tree_max_min

WEIGHTS = st.integers(1, 50)
CLAIMS = st.integers(0, 10_000)


@st.composite
def trees(draw: st.DrawFn) -> tuple[ShareTree, dict[tuple[str, ...], int]]:
    """Up to three groups and single tenants, and what the leaves claim."""
    shares: list[TenantShare] = []
    claims: dict[tuple[str, ...], int] = {}
    for number in range(draw(st.integers(1, 4))):
        name = f"t{number}"
        children = tuple(
            TenantShare(name=f"c{child}", weight=draw(WEIGHTS))
            for child in range(draw(st.integers(0, 3)))
        )
        shares.append(TenantShare(name=name, weight=draw(WEIGHTS), children=children))
        paths: list[tuple[str, ...]] = [(name, child.name) for child in children] or [(name,)]
        claims |= {path: draw(CLAIMS) for path in paths}
    return ShareTree(shares), claims


def sharers(node: Node, claims: dict[tuple[str, ...], int]) -> tuple[Sharer, ...]:
    return tuple(
        Sharer(
            name=child.path[-1],
            weight=child.weight,
            demand=claims.get(child.path, 0),
            children=sharers(child, claims),
        )
        for child in node.children.values()
    )


@given(trees(), st.integers(0, 20_000))
def test_it_is_the_max_min_division_to_within_a_few_units(
    tree_and_claims: tuple[ShareTree, dict[tuple[str, ...], int]], amount: int
) -> None:
    tree, claims = tree_and_claims
    found = entitled({tree.leaf(path): n for path, n in claims.items()}, amount, tree.root)
    exact = tree_max_min(sharers(tree.root, claims), amount)
    nodes = sum(1 for _ in tree.nodes())
    for path, due in exact.items():
        assert abs(found[tree.leaf(path)] - due) <= nodes
    assert sum(found.values()) <= amount
    assert all(found[tree.leaf(path)] <= claim for path, claim in claims.items())


@given(st.lists(st.tuples(st.integers(0, 10**9), st.integers(1, 10**6)), max_size=20))
def test_the_index_is_jains(rows: list[tuple[int, int]]) -> None:
    ratios = [Fraction(received, due) for received, due in rows]
    squares = sum(ratio * ratio for ratio in ratios)
    found = jain_ppm(rows)
    if len(rows) < 2 or not squares:
        assert found is None or len(rows) >= 2
        return
    if found is None:  # so little was received that it is nothing in millionths
        assert max(ratios) < Fraction(1, 10**6)
        return
    assert 0 <= found <= 1_000_000
    if min(ratios) > Fraction(1, 1_000):
        assert abs(Fraction(found, 10**6) - sum(ratios) ** 2 / (len(rows) * squares)) < Fraction(
            1, 100
        )


@given(st.integers(2, 50), st.integers(1, 10**6))
def test_the_index_of_one_who_has_all_is_one_in_so_many(count: int, due: int) -> None:
    assert jain_ppm([(due, due)] * count) == 1_000_000
    alone = [(due, due)] + [(0, due)] * (count - 1)
    assert jain_ppm(alone) == 1_000_000 // count
