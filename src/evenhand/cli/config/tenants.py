"""The `tenants` section: the share tree."""

from collections.abc import Iterator, Sequence
from typing import Annotated

from pydantic import BaseModel, Field

from evenhand.cli.config.problem import Place
from evenhand.cli.config.scalars import SECTION, Name, between
from evenhand.model import TenantPath

TENANTS_MAX = 100_000
TENANT_DEPTH_MAX = 8


class Tenant(BaseModel):
    """A node of the share tree: an organisation, team, user or application. Siblings share what
    their parent gets in proportion to their weights; what one leaves idle flows to the others."""

    model_config = SECTION

    name: Name
    """Unique among its siblings. The path of names, such as `acme/search`, is what keys name."""
    weight: Annotated[int, between(1, 10_000)] = 1
    """Share relative to the siblings: weight 2 gets twice the work of weight 1."""
    children: Annotated[tuple["Tenant", ...], Field(max_length=TENANTS_MAX)] = ()
    """Tenants that divide this one's share. Requests belong to tenants without children."""


def walk(tenants: Sequence[Tenant]) -> Iterator[tuple[Place, TenantPath, Tenant]]:
    """Every tenant with its place in the file and its path, parents before children."""
    waiting: list[tuple[Place, TenantPath, Sequence[Tenant]]] = [(("tenants",), (), tenants)]
    while waiting:
        place, path, siblings = waiting.pop()
        for index, tenant in enumerate(siblings):
            here, below = (*place, index), (*path, tenant.name)
            yield here, below, tenant
            if tenant.children:
                waiting.append(((*here, "children"), below, tenant.children))
