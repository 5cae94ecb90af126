"""The admin listener: liveness, readiness, metrics, live state.

Lives here: its pages, who may open them, its server; nothing of the data path.
May import: gateway.tls, gateway.identity, telemetry, scheduling, wire, model; Starlette and uvicorn,
which only this room knows.
Promises: a page is closed to strangers unless it says that it is for anyone, and to a caller whose role
is too low; nothing is done for a browser that another site has sent.
"""

from evenhand.gateway.admin.access import NOBODY, Access, Caller, Recogniser, Role, Shown
from evenhand.gateway.admin.alarms import alarm_json, alarms_pages
from evenhand.gateway.admin.app import admin_app
from evenhand.gateway.admin.credential import AdminCredentials
from evenhand.gateway.admin.doors import Doors
from evenhand.gateway.admin.gateway_pages import gateway_pages
from evenhand.gateway.admin.monitor import monitor_pages
from evenhand.gateway.admin.page import Answer, Page
from evenhand.gateway.admin.samples import samples_pages
from evenhand.gateway.admin.server import AdminServer
from evenhand.gateway.admin.sign_in import sign_in_pages
from evenhand.gateway.admin.status import CallStatus, EngineStatus, OpenCall, Status
from evenhand.gateway.admin.tenant_key import tenant_keys

__all__ = [
    "NOBODY",
    "Access",
    "AdminCredentials",
    "AdminServer",
    "Answer",
    "CallStatus",
    "Caller",
    "Doors",
    "EngineStatus",
    "OpenCall",
    "Page",
    "Recogniser",
    "Role",
    "Shown",
    "Status",
    "admin_app",
    "alarm_json",
    "alarms_pages",
    "gateway_pages",
    "monitor_pages",
    "samples_pages",
    "sign_in_pages",
    "tenant_keys",
]
