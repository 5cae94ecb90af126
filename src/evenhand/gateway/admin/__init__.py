"""The admin listener: liveness, readiness, metrics, live state.

Lives here: its pages, its credential, its server; nothing of the data path.
May import: gateway.tls, telemetry, scheduling, wire, model; Starlette and uvicorn, which only this
room knows.
Promises: it reads and never changes; a page is closed to strangers unless it is listed as open.
"""

from evenhand.gateway.admin.app import admin_app
from evenhand.gateway.admin.server import AdminServer
from evenhand.gateway.admin.status import CallStatus, EngineStatus, Status

__all__ = ["AdminServer", "CallStatus", "EngineStatus", "Status", "admin_app"]
