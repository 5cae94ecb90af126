"""Whose a request is. transformers carries nothing with a request but its id, so either whoever submits
it notes the tenant beside it, or the id itself says so.

An id that says so: `TENANT~UNIQUE`, `TENANT~LANE~UNIQUE` or `TENANT~LANE~APPLICATION~UNIQUE`, where
TENANT is a path as `acme/search` and UNIQUE makes it the only one of its kind.
"""

from collections import OrderedDict
from threading import Lock

from evenhand.inengine.tenant_hints import NO_HINTS, TenantHints, read

NOTED_MAX = 1 << 16
_PARTS_MAX = 4
_CHARACTERS_MAX = 512


class Tenants:
    """Notes come from any thread, and are bounded: of the oldest it is forgotten whose they were, so they
    are nobody's in particular."""

    def __init__(self, *, noted_max: int = NOTED_MAX) -> None:
        self._noted: OrderedDict[str, TenantHints] = OrderedDict()
        self._noted_max = noted_max
        self._lock = Lock()

    def note(self, request_id: str, hints: TenantHints) -> None:
        """Before the request is submitted."""
        with self._lock:
            self._noted[request_id] = hints
            self._noted.move_to_end(request_id)
            while len(self._noted) > self._noted_max:
                self._noted.popitem(last=False)

    def forget(self, request_id: str) -> None:
        """It will not come."""
        with self._lock:
            self._noted.pop(request_id, None)

    def take(self, request_id: str, *, trusts_ids: bool) -> TenantHints:
        """What was noted, else what its id says where ids are trusted; the note is gone."""
        with self._lock:
            noted = self._noted.pop(request_id, None)
        if noted is not None:
            return noted
        return said(request_id) if trusts_ids else NO_HINTS


def said(request_id: str) -> TenantHints:
    """What an id says; what is malformed says nothing."""
    if len(request_id) > _CHARACTERS_MAX:
        return NO_HINTS
    tenant, *rest = request_id.split("~")
    if not 1 <= len(rest) < _PARTS_MAX or not all((tenant, *rest)):
        return NO_HINTS
    lane, application = (*rest[:-1], None, None)[:2]
    return hints_of(tenant, lane, application)


def hints_of(tenant: str, lane: str | None, application: str | None) -> TenantHints:
    """The hints of what is written out; malformed: nobody's in particular."""
    return read(
        {
            "evenhand_tenant": tenant,
            "evenhand_lane": lane,
            "evenhand_application": application,
        }
    )
