"""Whom a statement can be about."""

import sqlite3

from evenhand.cli.config import Config
from evenhand.cli.config.tenants import walk
from evenhand.stores.problem import NotAsAskedError

_BOOKED = """
SELECT 1 FROM account
WHERE tenant = :tenant OR substr(tenant, 1, length(:tenant) + 1) = :tenant || '/' LIMIT 1
"""


def refuse_stranger(connection: sqlite3.Connection, config: Config, tenant: str) -> None:
    """Raises NotAsAskedError where neither the configuration nor the ledger knows that node: a
    mistyped name would else owe nothing."""
    if any("/".join(path) == tenant for _, path, _ in walk(config.tenants)):
        return
    if connection.execute(_BOOKED, {"tenant": tenant}).fetchone() is None:
        raise NotAsAskedError(
            f"there is no tenant {tenant!r}, neither in the configuration nor in the ledger: "
            "`evenhand usage --by tenant` lists those who have used something"
        )
