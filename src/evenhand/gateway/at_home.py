"""Calls on their way while the share tree changes: whose they are moves with them."""

from collections.abc import Iterable
from dataclasses import replace

from evenhand.gateway.identity import Identity, KeyHolder
from evenhand.model import Request, TenantPath


def at_home(request: Request, identity: Identity, *, keeps_lane: bool = False) -> Request:
    """The request as its key stands now: its tenant may have moved, or its lane been changed, since it
    was made. `keeps_lane`: its lane is not its key's."""
    lane = request.lane if keeps_lane else identity.lane
    if request.tenant == identity.tenant and request.lane == lane:
        return request
    return replace(request, tenant=identity.tenant, lane=lane)


def moved(identity: Identity, before: TenantPath, after: TenantPath) -> Identity:
    """The identity, where a tenant with all beneath it has another path."""
    path = identity.tenant
    if path[: len(before)] != before:
        return identity
    return replace(identity, tenant=(*after, *path[len(before) :]))


def follow(holders: Iterable[KeyHolder], before: TenantPath, after: TenantPath) -> None:
    """Those too whose key is nobody's any more, but who have requests open."""
    for holder in holders:
        holder.identity = moved(holder.identity, before, after)
