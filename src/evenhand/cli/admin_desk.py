"""The admin listener's pages, each from its own part, and who may open them."""

from evenhand.cli.config import Config, ResolvedSecrets
from evenhand.gateway.admin import Access, OneCredential, Page, Status, gateway_pages, samples_pages
from evenhand.telemetry.samples import Sampler


def admin_pages(config: Config, status: Status, sampler: Sampler) -> list[Page]:
    """All of them."""
    return [
        *gateway_pages(status, tenants_max=config.limits.metrics_tenants_max),
        *samples_pages(sampler),
    ]


def admin_access(secrets: ResolvedSecrets) -> Access:
    """Who may open them."""
    return OneCredential(secrets.admin.reveal() if secrets.admin else None)
