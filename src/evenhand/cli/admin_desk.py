"""The admin listener's pages, each from its own part, and who may open them."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from evenhand.cli.api.audit import audit_pages
from evenhand.cli.api.changes import changes_pages
from evenhand.cli.api.tenants import tenants_pages
from evenhand.cli.config import Config, ResolvedSecrets
from evenhand.cli.live.live_configuration import LiveConfiguration
from evenhand.cli.sight import Sight
from evenhand.gateway.admin import (
    AdminCredentials,
    Caller,
    Doors,
    Page,
    Role,
    Status,
    gateway_pages,
    sign_in_pages,
    tenant_keys,
)
from evenhand.gateway.admin.gpu_time import gpu_time_pages
from evenhand.gateway.admin.reconciliation import reconciliation_pages
from evenhand.gateway.dashboard import dashboard_pages
from evenhand.gateway.identity import KeyRing
from evenhand.gateway.self_service import self_service_pages
from evenhand.telemetry import RequestLog


@dataclass(frozen=True, slots=True, kw_only=True)
class AdminParts:
    """What the pages ask. `database` is that of the state; None: there is none."""

    config: Config
    status: Status
    doors: Doors
    keys: KeyRing
    log: RequestLog
    live: LiveConfiguration
    sight: Sight
    database: Path | None


def admin_pages(parts: AdminParts) -> list[Page]:
    """All of them."""
    status, live = parts.status, parts.live

    def told(event: str, caller: Caller) -> None:
        parts.log.event(event, who=caller.name, role=caller.role.name.lower())

    return [
        *gateway_pages(status, tenants_max=parts.config.limits.metrics_tenants_max),
        *sign_in_pages(parts.doors, told),
        *self_service_pages(status, parts.keys),
        *tenants_pages(live, status),
        *changes_pages(live),
        *audit_pages(live.keeping),
        *gpu_time_pages(parts.database),
        *reconciliation_pages(parts.database),
        *parts.sight.pages(),
        *dashboard_pages(status, parts.sight.sampler),
    ]


def admin_doors(config: Config, secrets: ResolvedSecrets, keys: KeyRing) -> Doors:
    """Who may open them."""
    credentials = AdminCredentials(admin_callers(config, secrets))
    return Doors(
        [credentials.recognise, tenant_keys(keys)],
        is_open=lambda: not credentials,
    )


def admin_callers(config: Config, secrets: ResolvedSecrets) -> Iterator[tuple[Caller, str]]:
    """Whoever the configuration gives a credential, with it."""
    if secrets.admin is not None:
        yield Caller("admin", Role.OWNER), secrets.admin.reveal()
    for admin, secret in zip(config.admin.credentials, secrets.admins, strict=True):
        yield Caller(admin.name, Role[admin.role.upper()]), secret.reveal()
