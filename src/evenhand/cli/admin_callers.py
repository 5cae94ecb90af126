"""Whoever the configuration gives a credential of the admin listener."""

from collections.abc import Iterator

from evenhand.cli.config import Config, ResolvedSecrets
from evenhand.gateway.admin import Caller, Role


def admin_callers(config: Config, secrets: ResolvedSecrets) -> Iterator[tuple[Caller, str]]:
    """Each with the secret."""
    if secrets.admin is not None:
        yield Caller("admin", Role.OWNER), secrets.admin.reveal()
    for admin, secret in zip(config.admin.credentials, secrets.admins, strict=True):
        yield Caller(admin.name, Role[admin.role.upper()]), secret.reveal()
