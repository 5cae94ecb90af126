"""The admin listener's pages, each from its own part, and who may open them."""

from dataclasses import dataclass
from pathlib import Path

from evenhand.cli.api.audit import audit_pages
from evenhand.cli.api.budgets import budgets_pages
from evenhand.cli.api.changes import changes_pages
from evenhand.cli.api.corrections import corrections_pages
from evenhand.cli.api.engines import engines_pages
from evenhand.cli.api.keys import keys_pages
from evenhand.cli.api.openapi import openapi_page
from evenhand.cli.api.sections import sections_pages
from evenhand.cli.api.statements import statements_pages
from evenhand.cli.api.tenants import tenants_pages
from evenhand.cli.api.usage import usage_pages
from evenhand.cli.config import Config
from evenhand.cli.engine_desk import EngineDesk
from evenhand.cli.finance import Finance
from evenhand.cli.live.live_configuration import LiveConfiguration
from evenhand.cli.sight import Sight
from evenhand.cli.stored_key_desk import StoredKeyDesk
from evenhand.cli.token_desk import TokenDesk
from evenhand.gateway.admin import (
    AdminCredentials,
    Caller,
    Doors,
    Page,
    Status,
    gateway_pages,
    sign_in_pages,
    tenant_keys,
)
from evenhand.gateway.admin.gpu_time import gpu_time_pages
from evenhand.gateway.admin.reconciliation import reconciliation_pages
from evenhand.gateway.bookkeeping import Bookkeeper, NoBookkeeping
from evenhand.gateway.dashboard import dashboard_pages
from evenhand.gateway.identity import KeyRing
from evenhand.gateway.self_service import self_service_pages
from evenhand.telemetry import RequestLog


@dataclass(frozen=True, slots=True, kw_only=True)
class AdminParts:
    """What the pages ask. `database` and `stored_keys` are of the state; None: there is none."""

    config: Config
    status: Status
    doors: Doors
    keys: KeyRing
    log: RequestLog
    live: LiveConfiguration
    engines: EngineDesk
    stored_keys: StoredKeyDesk | None
    sight: Sight
    database: Path | None
    finance: Finance | None
    bookkeeping: Bookkeeper | NoBookkeeping


def admin_pages(parts: AdminParts) -> list[Page]:
    """All of them."""
    status, live = parts.status, parts.live

    def told(event: str, caller: Caller) -> None:
        parts.log.event(event, who=caller.name, role=caller.role.name.lower())

    pages = [
        *gateway_pages(status, tenants_max=parts.config.limits.metrics_tenants_max),
        *sign_in_pages(parts.doors, told),
        *self_service_pages(status, parts.keys),
        *tenants_pages(live, status),
        *engines_pages(parts.engines),
        *keys_pages(live, parts.stored_keys),
        *sections_pages(live),
        *budgets_pages(live, parts.bookkeeping, parts.keys),
        *changes_pages(live),
        *audit_pages(live.keeping),
        *gpu_time_pages(parts.database),
        *usage_pages(parts.finance),
        *statements_pages(parts.finance),
        *corrections_pages(parts.finance),
        *reconciliation_pages(parts.database),
        *parts.sight.pages(),
        *dashboard_pages(status, parts.sight.sampler),
    ]
    return [*pages, openapi_page(pages)]


def admin_doors(credentials: AdminCredentials, keys: KeyRing, tokens: TokenDesk) -> Doors:
    """Who may open them."""
    return Doors(
        [credentials.recognise, tenant_keys(keys), tokens.recogniser],
        is_open=lambda: not credentials,
    )
