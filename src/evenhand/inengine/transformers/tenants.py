"""Whose a request is. transformers carries nothing with a request but its id, so either whoever submits
it notes the tenant beside it, or the id itself says so.

An id that says so: `TENANT~UNIQUE`, `TENANT~LANE~UNIQUE` or `TENANT~LANE~APPLICATION~UNIQUE`, where
TENANT is a path as `acme/search`, and UNIQUE makes it the only one of its kind.
"""

from collections import OrderedDict
from collections.abc import Mapping
from threading import Lock

from evenhand.inengine.tenant_hints import HintReader, TenantHints
from evenhand.wire.engine_hints import APPLICATION, LANE, TENANT

NOTED_MAX = 1 << 16
_PARTS_MAX = 4
_CHARACTERS_MAX = 1024


class Notes:
    """Written from any thread, and bounded: of the oldest it is forgotten whose they were, so they are
    nobody's in particular."""

    def __init__(self, *, noted_max: int = NOTED_MAX) -> None:
        self._noted: OrderedDict[str, TenantHints] = OrderedDict()
        self._noted_max = noted_max
        self._lock = Lock()

    def write(self, request_id: str, hints: TenantHints) -> None:
        """Before the request is submitted."""
        with self._lock:
            self._noted[request_id] = hints
            self._noted.move_to_end(request_id)
            while len(self._noted) > self._noted_max:
                self._noted.popitem(last=False)

    def of(self, request_id: str) -> TenantHints | None:
        with self._lock:
            return self._noted.get(request_id)

    def forget(self, request_id: str) -> None:
        """It is over, or will not come."""
        with self._lock:
            self._noted.pop(request_id, None)


class Hints:
    """What was noted, else what the id says, where that is believed."""

    def __init__(self, notes: Notes, reader: HintReader) -> None:
        self._notes = notes
        self._reader = reader

    def of(self, request_id: str) -> TenantHints:
        noted = self._notes.of(request_id)
        return self._reader.read(told_by(request_id)) if noted is None else noted

    def forget(self, request_id: str) -> None:
        """It is over."""
        self._notes.forget(request_id)


def told_by(request_id: str) -> Mapping[str, object] | None:
    """What an id says; None: nothing."""
    if "~" not in request_id or len(request_id) > _CHARACTERS_MAX:
        return None
    tenant, *rest = request_id.split("~")
    if len(rest) >= _PARTS_MAX or not rest[-1]:
        return {TENANT: None}  # which is malformed, and counted as that
    return told(tenant, *rest[:-1])


def told(
    tenant: str, lane: str | None = None, application: str | None = None
) -> Mapping[str, object]:
    """As a gateway would tell it."""
    return {TENANT: tenant, LANE: lane, APPLICATION: application}
