"""How much of one prompt a step may compute at most, so that nobody's prompts fill it.

Derivation and bound: batching.md.
"""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from evenhand.model import TenantPath


class Prefill(NamedTuple):
    """A prompt of which so many tokens are to be computed yet."""

    tenant: TenantPath
    tokens: int


def chunk_cap(running: Sequence[Prefill], heads: Sequence[Prefill], budget: int) -> int | None:
    """The most that one prompt may have of a step that has room for `budget` tokens of prompts. None:
    no limit is needed.

    `heads` are prompts that may join this step, after the running ones, at most one of a tenant.
    """
    wanted: dict[TenantPath, int] = {}
    for tenant, tokens in running:
        wanted[tenant] = wanted.get(tenant, 0) + tokens
    # Who has prompts in the batch joins when these are done.
    joining = [tokens for tenant, tokens in heads if tenant not in wanted]
    if len(wanted) + len(joining) < 2:
        return None  # nobody is kept waiting
    level = water_level([*wanted.values(), *joining], budget)
    if level is None or not joining:
        return level
    prompts = [tokens for _, tokens in running] + joining
    if sum(min(tokens, level) for tokens in prompts) <= budget:
        return level
    # Running prompts come first: where a tenant has several, they leave the heads their part only if all
    # prompts get the same.
    return water_level(prompts, budget)


def water_level(wanted: Iterable[int], budget: int) -> int | None:
    """The level to which all are filled equally, who wants less being full before. At least 1. None:
    all get what they want."""
    left, ascending = budget, sorted(wanted)
    for place, tokens in enumerate(ascending):
        level = left // (len(ascending) - place)
        if tokens > level:
            return max(1, level)
        left -= tokens
    return None
