"""The admin listener: liveness, readiness, metrics, live state.

Lives here: its pages, who may open them, its server; nothing of the data path.
May import: gateway.tls, telemetry, scheduling, wire, model; Starlette and uvicorn, which only this
room knows.
Promises: a page is closed to strangers unless it says that it is for anyone, and to a caller whose role
is too low.
"""

from evenhand.gateway.admin.access import NOBODY, Access, Caller, Role
from evenhand.gateway.admin.app import admin_app
from evenhand.gateway.admin.credential import OneCredential
from evenhand.gateway.admin.gateway_pages import gateway_pages
from evenhand.gateway.admin.page import Answer, Page
from evenhand.gateway.admin.server import AdminServer
from evenhand.gateway.admin.status import CallStatus, EngineStatus, Status

__all__ = [
    "NOBODY",
    "Access",
    "AdminServer",
    "Answer",
    "CallStatus",
    "Caller",
    "EngineStatus",
    "OneCredential",
    "Page",
    "Role",
    "Status",
    "admin_app",
    "gateway_pages",
]
