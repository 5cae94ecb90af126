"""The order in which a batch is served, and from whose end it is cut. Derivation: batching.md."""

from collections.abc import Callable, Iterable
from typing import TypeVar

from evenhand.model import TenantPath

Standing = tuple[int, ...]
"""A key for sorting: of the tenant that has had most for its weight, it is greatest."""

T = TypeVar("T")


def by_turns(
    prefills: Iterable[T],
    tenant_of: Callable[[T], TenantPath],
    chunk_of: Callable[[T], int],
    standing_of: Callable[[T], Standing],
) -> list[T]:
    """Prompts in the order of their turns: the less of its tenant's stands before it, the earlier; with
    as much, who has had least for its weight first. One tenant's keep the order in which they are given.
    `chunk_of` is what a prompt gets of the step, if its turn comes."""
    before: dict[TenantPath, int] = {}
    keyed = []
    for place, prefill in enumerate(prefills):
        tenant = tenant_of(prefill)
        own = before.get(tenant, 0)
        before[tenant] = own + chunk_of(prefill)
        keyed.append((own, standing_of(prefill), place, prefill))
    keyed.sort(key=lambda entry: entry[:3])
    return [prefill for _, _, _, prefill in keyed]


def by_standing(
    running: Iterable[T],
    arrived: Callable[[T], int],
    standing_of: Callable[[T], Standing],
) -> list[T]:
    """Who goes first when memory runs out is last: the newest of the tenant that has had most for its
    weight."""
    return sorted(running, key=lambda request: (standing_of(request), arrived(request)))
