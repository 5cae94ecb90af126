"""`/api/v1/tenants`: the share tree as it stands, and its changes."""

from typing import Annotated, Any

from pydantic import BaseModel, Field
from starlette.requests import Request
from starlette.responses import Response

from evenhand.cli.api.reading import STRICT, BadAskingError, body_of, query_of
from evenhand.cli.api.told import ChangeQuery, ChangeTold, changing, refusing, versioned
from evenhand.cli.config import Config, Tenant
from evenhand.cli.config.scalars import TenantText, between
from evenhand.cli.live.difference import ABSENT
from evenhand.cli.live.live_configuration import LiveConfiguration
from evenhand.cli.live.patch import Patch
from evenhand.cli.live.place import Item, tenant_place
from evenhand.gateway.admin import Caller, Page, Role, Status
from evenhand.model import TenantPath
from evenhand.scheduling import Node
from evenhand.telemetry import Standings

ROWS_MAX = 10_000


class TenantsQuery(BaseModel):
    """Which part of the tree."""

    model_config = STRICT

    beneath: str = ""
    """Only this tenant and those beneath it, such as `acme`. Left out: all."""
    offset: Annotated[int, Field(ge=0)] = 0
    limit: Annotated[int, Field(ge=1, le=ROWS_MAX)] = 1_000


class TenantTold(BaseModel):
    """A tenant as it stands. Shares are parts of the whole, 0 to 1."""

    path: str
    weight: int
    children: int
    leaving: bool
    """It was taken out, and goes when its last open request has ended."""
    share_promised: float
    share_received: float
    service_units: int
    queued_requests: int
    running_requests: int


class TenantsTold(BaseModel):
    """Parents before their children."""

    version: int
    tenants: list[TenantTold]
    left_out: int
    """Tenants after these."""


class NewTenant(BaseModel):
    """A tenant to be added."""

    model_config = STRICT

    path: TenantText
    """Such as `acme/search`; its parent exists and has no requests of its own open."""
    weight: Annotated[int, between(1, 10_000)] = 1
    children: Annotated[tuple[Tenant, ...], Field(max_length=10_000)] = ()


class NewWeight(BaseModel):
    """Another weight."""

    model_config = STRICT

    weight: Annotated[int, between(1, 10_000)]


class NewParent(BaseModel):
    """Another place in the tree. Keys, counters and open requests go along."""

    model_config = STRICT

    to: str
    """The path of the new parent; empty: the top."""


def tenants_pages(live: LiveConfiguration, status: Status) -> list[Page]:
    """All of them."""
    own = _TenantsPages(live, status)
    one = "/api/v1/tenants/{path:path}"
    return [
        Page(
            path="/api/v1/tenants",
            role=Role.VIEWER,
            answer=refusing(own.show),
            summary="The share tree with weights, shares and queues.",
            query=TenantsQuery,
            result=TenantsTold,
        ),
        Page(
            path="/api/v1/tenants",
            method="POST",
            role=Role.OPERATOR,
            answer=refusing(own.add),
            summary="Add a tenant.",
            query=ChangeQuery,
            body=NewTenant,
            result=ChangeTold,
        ),
        Page(
            path="/api/v1/tenants/{path:path}/move",
            method="POST",
            role=Role.OPERATOR,
            answer=refusing(own.move),
            summary="Put a tenant with all beneath it under another parent.",
            query=ChangeQuery,
            body=NewParent,
            result=ChangeTold,
        ),
        Page(
            path=one,
            method="PATCH",
            role=Role.OPERATOR,
            answer=refusing(own.weigh),
            summary="Give a tenant another weight.",
            query=ChangeQuery,
            body=NewWeight,
            result=ChangeTold,
        ),
        Page(
            path=one,
            method="DELETE",
            role=Role.OPERATOR,
            answer=refusing(own.remove),
            summary="Take a tenant out: its keys end now, its open requests run to their end.",
            query=ChangeQuery,
            result=ChangeTold,
        ),
    ]


class _TenantsPages:
    def __init__(self, live: LiveConfiguration, status: Status) -> None:
        self._live = live
        self._tree = status.scheduler.tree
        self._standings = Standings(self._tree)

    async def show(self, request: Request, _: Caller) -> Response:
        query = query_of(request, TenantsQuery)
        path = tuple(query.beneath.split("/")) if query.beneath else ()
        top = self._tree.find(path)
        if top is None:
            raise BadAskingError(f"beneath: there is no tenant {query.beneath[:200]!r}.")
        nodes = [node for node in _subtree(top) if node.parent is not None]
        nodes.sort(key=lambda node: node.path)
        shown = nodes[query.offset : query.offset + query.limit]
        told = {
            "version": self._live.version,
            "tenants": [self._row(node) for node in shown],
            "left_out": max(0, len(nodes) - query.offset - len(shown)),
        }
        return versioned(told, self._live.version)

    async def add(self, request: Request, caller: Caller) -> Response:
        body = await body_of(request, NewTenant)
        path: TenantPath = body.path
        if _tenant(self._live.config, path) is not None:
            raise BadAskingError(f"path: {'/'.join(path)} exists already: choose another name.")
        children = [child.model_dump(mode="json") for child in body.children]
        value = {"name": path[-1], "weight": body.weight, "children": children}
        return await changing(
            request, caller, self._live, "add tenant", [(tenant_place(path), value)]
        )

    async def weigh(self, request: Request, caller: Caller) -> Response:
        path = self._path(request)
        body = await body_of(request, NewWeight)
        patch = ((*tenant_place(path), "weight"), body.weight)
        return await changing(request, caller, self._live, "set weight", [patch])

    async def remove(self, request: Request, caller: Caller) -> Response:
        path = self._path(request)
        patches: list[Patch] = [(tenant_place(path), ABSENT)]
        patches += [
            (("keys", Item(str(key.key))), ABSENT)
            for key in self._live.config.keys
            if key.tenant[: len(path)] == path
        ]
        return await changing(request, caller, self._live, "remove tenant", patches)

    async def move(self, request: Request, caller: Caller) -> Response:
        path = self._path(request)
        body = await body_of(request, NewParent)
        to: TenantPath = tuple(body.to.split("/")) if body.to else ()
        config = self._live.config
        if to and _tenant(config, to) is None:
            raise BadAskingError(f"to: there is no tenant {body.to[:200]!r}.")
        after = (*to, path[-1])
        if to[: len(path)] == path or _tenant(config, after) is not None:
            raise BadAskingError(f"{'/'.join(path)} cannot be put there: choose another parent.")
        patches = move_patches(config, path, after)
        return await changing(request, caller, self._live, "move tenant", patches)

    def _path(self, request: Request) -> TenantPath:
        text = request.path_params["path"]
        path = tuple(text.split("/"))
        if _tenant(self._live.config, path) is None:
            raise BadAskingError(
                f"There is no tenant {text[:200]!r}: GET /api/v1/tenants lists those there are."
            )
        return path

    def _row(self, node: Node) -> dict[str, Any]:
        standing = self._standings.of(node)
        return {
            "path": "/".join(node.path),
            "weight": node.weight,
            "children": len(node.children),
            "leaving": any(above.is_leaving for above in node.lineage),
            "share_promised": standing.share_promised,
            "share_received": standing.share_received,
            "service_units": standing.service_units,
            "queued_requests": standing.queued_requests,
            "running_requests": standing.running_requests,
        }


def move_patches(config: Config, before: TenantPath, after: TenantPath) -> list[Patch]:
    """A tenant goes to another place, and the file's keys of it and of all beneath it follow."""
    tenant = _tenant(config, before)
    assert tenant is not None
    patches: list[Patch] = [
        (tenant_place(before), ABSENT),
        (tenant_place(after), tenant.model_dump(mode="json")),
    ]
    for key in config.keys:
        if key.tenant[: len(before)] == before:
            moved = "/".join((*after, *key.tenant[len(before) :]))
            patches.append((("keys", Item(str(key.key)), "tenant"), moved))
    return patches


def _tenant(config: Config, path: TenantPath) -> Tenant | None:
    siblings, found = config.tenants, None
    for name in path:
        found = next((tenant for tenant in siblings if tenant.name == name), None)
        if found is None:
            return None
        siblings = found.children
    return found


def _subtree(top: Node) -> list[Node]:
    found, waiting = [], [top]
    while waiting:
        node = waiting.pop()
        found.append(node)
        waiting.extend(node.children.values())
    return found
