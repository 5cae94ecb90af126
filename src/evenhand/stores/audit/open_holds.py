"""The holds that are open: requests under way, or what a gateway that died has left."""

import sqlite3
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class OpenRequest:
    """A hold without an end. `since_ms` is wall time since 1970, `nano` money in nano-units of
    `currency` ("" where nothing is priced)."""

    number: int
    request: str
    since_ms: int
    tenant: str
    key: str
    model: str
    tokens: int
    nano: int
    currency: str
    is_marked: int
    """1 or 0."""


def open_requests(connection: sqlite3.Connection) -> tuple[OpenRequest, ...]:
    """All of them, in the order in which they were opened."""
    rows = connection.execute(
        "SELECT hold.id / 4, coalesce(hold.request, ''), hold.at_ms, coalesce(consumer.tenant, ''), "
        "coalesce(consumer.key, ''), coalesce(model.model, ''), "
        "hold.input_tokens + hold.output_tokens, hold.nano, coalesce(consumer.currency, ''), "
        "EXISTS (SELECT 1 FROM mark WHERE number = hold.id / 4) FROM transfer AS hold "
        "LEFT JOIN account AS consumer ON consumer.number = hold.debit "
        "LEFT JOIN account AS model ON model.number = hold.credit WHERE hold.kind = 'hold' "
        "AND NOT EXISTS (SELECT 1 FROM transfer WHERE id = hold.id + 1) ORDER BY hold.id"
    )
    return tuple(OpenRequest(*row) for row in rows)
