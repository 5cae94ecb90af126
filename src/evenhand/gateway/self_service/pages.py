"""All pages under /api/v1/me."""

from evenhand.gateway.admin import Page, Status
from evenhand.gateway.identity import KeyRing
from evenhand.gateway.self_service.me import MePage
from evenhand.gateway.self_service.my_explanation import MyExplanationPage
from evenhand.gateway.self_service.my_keys import MyKeysPage
from evenhand.gateway.self_service.my_requests import MyRequestsPage
from evenhand.telemetry import Standings


def self_service_pages(status: Status, keys: KeyRing) -> list[Page]:
    """For tenants about themselves, and for viewers about any tenant that they name."""
    return [
        MePage(status, keys, Standings(status.scheduler.tree)).page(),
        MyRequestsPage(status).page(),
        MyExplanationPage(status).page(),
        MyKeysPage(status, keys).page(),
    ]
