"""The admin listener's pages, each from its own part, and who may open them."""

from evenhand.cli.api.audit import audit_pages
from evenhand.cli.api.changes import changes_pages
from evenhand.cli.api.tenants import tenants_pages
from evenhand.cli.config import Config, ResolvedSecrets
from evenhand.cli.live.live_configuration import LiveConfiguration
from evenhand.gateway.admin import Access, OneCredential, Page, Status, gateway_pages


def admin_pages(config: Config, status: Status, live: LiveConfiguration) -> list[Page]:
    """All of them."""
    return [
        *gateway_pages(status, tenants_max=config.limits.metrics_tenants_max),
        *tenants_pages(live, status),
        *changes_pages(live),
        *audit_pages(live.keeping),
    ]


def admin_access(secrets: ResolvedSecrets) -> Access:
    """Who may open them."""
    return OneCredential(secrets.admin.reveal() if secrets.admin else None)
