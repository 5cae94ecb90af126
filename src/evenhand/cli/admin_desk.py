"""The admin listener's pages, each from its own part, and who may open them."""

from pathlib import Path

from evenhand.cli.config import Config, ResolvedSecrets
from evenhand.gateway.admin import Access, OneCredential, Page, Status, gateway_pages
from evenhand.gateway.admin.gpu_time import gpu_time_pages


def admin_pages(config: Config, status: Status, database: Path | None) -> list[Page]:
    """All of them. `database` is that of the state; None: there is none."""
    return [
        *gateway_pages(status, tenants_max=config.limits.metrics_tenants_max),
        *gpu_time_pages(database),
    ]


def admin_access(secrets: ResolvedSecrets) -> Access:
    """Who may open them."""
    return OneCredential(secrets.admin.reveal() if secrets.admin else None)
