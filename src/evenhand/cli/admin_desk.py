"""The admin listener's pages, each from its own part, and who may open them."""

from collections.abc import Iterator

from evenhand.cli.config import Config, ResolvedSecrets
from evenhand.cli.token_desk import TokenDesk
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
from evenhand.gateway.identity import KeyRing
from evenhand.gateway.self_service import self_service_pages
from evenhand.telemetry import RequestLog


def admin_pages(
    config: Config, status: Status, keys: KeyRing, doors: Doors, log: RequestLog
) -> list[Page]:
    """All of them."""

    def told(event: str, caller: Caller) -> None:
        log.event(event, who=caller.name, role=caller.role.name.lower())

    return [
        *gateway_pages(status, tenants_max=config.limits.metrics_tenants_max),
        *sign_in_pages(doors, told),
        *self_service_pages(status, keys),
    ]


def admin_doors(
    config: Config, secrets: ResolvedSecrets, keys: KeyRing, tokens: TokenDesk
) -> Doors:
    """Who may open them."""
    credentials = AdminCredentials(admin_callers(config, secrets))
    return Doors(
        [credentials.recognise, tenant_keys(keys), tokens.recogniser],
        is_open=lambda: not credentials,
    )


def admin_callers(config: Config, secrets: ResolvedSecrets) -> Iterator[tuple[Caller, str]]:
    """Whoever the configuration gives a credential, with it."""
    if secrets.admin is not None:
        yield Caller("admin", Role.OWNER), secrets.admin.reveal()
    for admin, secret in zip(config.admin.credentials, secrets.admins, strict=True):
        yield Caller(admin.name, Role[admin.role.upper()]), secret.reveal()
