"""What can be corrected, and what was."""

import sqlite3
from typing import NamedTuple

_COLUMNS = """
    transfer.id, correction.reference, transfer.at_ms, consumer.tenant, consumer.application,
    consumer.key, model.model, consumer.currency, transfer.input_tokens,
    transfer.cached_input_tokens, transfer.output_tokens, transfer.nano, transfer.reasoning_tokens,
    transfer.gpu_us, correction.author, correction.reason, correction.request
"""
_FROM = """
FROM correction JOIN transfer ON transfer.id = correction.transfer
JOIN account AS consumer ON consumer.number = transfer.debit
JOIN account AS model ON model.number = transfer.credit
"""


class BookedCorrection(NamedTuple):
    """One correction with its accounts. `nano` is money in nano-units of `currency`; amounts below
    nothing were given back."""

    id: int
    reference: str
    at_ms: int
    tenant: str
    application: str
    key: str
    model: str
    currency: str
    input_tokens: int
    cached_input_tokens: int
    output_tokens: int
    nano: int
    reasoning_tokens: int
    gpu_us: int
    author: str
    reason: str
    request: str | None


class Correctable(NamedTuple):
    """Whose accounts a correction can go to, and what is posted there: of one request, or of all."""

    tenant: str
    application: str
    key: str
    model: str
    currency: str
    input_tokens: int
    cached_input_tokens: int
    output_tokens: int
    nano: int
    reasoning_tokens: int
    gpu_us: int


def correction_of(connection: sqlite3.Connection, reference: str) -> BookedCorrection | None:
    """The correction of that reference. Raises sqlite3.Error."""
    row = connection.execute(
        f"SELECT {_COLUMNS} {_FROM} WHERE correction.reference = ?",
        (reference,),
    ).fetchone()
    return None if row is None else BookedCorrection._make(row)


def request_as_charged(connection: sqlite3.Connection, request: str) -> Correctable | None:
    """What a request costs by now, its corrections included; None: it is not in the ledger. Raises
    sqlite3.Error."""
    row = connection.execute(
        "SELECT consumer.tenant, consumer.application, consumer.key, model.model, consumer.currency, "
        "coalesce(sum(entry.input_tokens), 0), coalesce(sum(entry.cached_input_tokens), 0), "
        "coalesce(sum(entry.output_tokens), 0), coalesce(sum(entry.nano), 0), "
        "coalesce(sum(entry.reasoning_tokens), 0), coalesce(sum(entry.gpu_us), 0) "
        "FROM transfer AS hold JOIN account AS consumer ON consumer.number = hold.debit "
        "JOIN account AS model ON model.number = hold.credit "
        "LEFT JOIN transfer AS entry ON entry.id BETWEEN hold.id + 1 AND hold.id + 3 "
        "OR entry.id IN (SELECT transfer FROM correction WHERE request = hold.request) "
        "WHERE hold.request = ? GROUP BY hold.id",
        (request,),
    ).fetchone()
    return None if row is None else Correctable._make(row)


def accounts_between(
    connection: sqlite3.Connection,
    *,
    tenant: str,
    model: str,
    application: str | None = None,
    key: str | None = None,
    currency: str | None = None,
) -> list[Correctable]:
    """What each consumer of that tenant has posted for that model. Raises sqlite3.Error."""
    rows = connection.execute(
        "SELECT consumer.tenant, consumer.application, consumer.key, model.model, consumer.currency, "
        "sum(entry.input_tokens), sum(entry.cached_input_tokens), sum(entry.output_tokens), "
        "sum(entry.nano), sum(entry.reasoning_tokens), sum(entry.gpu_us) "
        "FROM transfer AS entry JOIN account AS consumer ON consumer.number = entry.debit "
        "JOIN account AS model ON model.number = entry.credit "
        "WHERE entry.kind <> 'hold' AND consumer.tenant = :tenant AND model.model = :model "
        "AND (:application IS NULL OR consumer.application = :application) "
        "AND (:key IS NULL OR consumer.key = :key) "
        "AND (:currency IS NULL OR consumer.currency = :currency) "
        "GROUP BY consumer.number, model.number ORDER BY 1, 2, 3, 4, 5",
        {
            "tenant": tenant,
            "model": model,
            "application": application,
            "key": key,
            "currency": currency,
        },
    )
    return [Correctable._make(row) for row in rows]


def corrections_under(
    connection: sqlite3.Connection, tenant: str, *, after: int, cut: int
) -> list[BookedCorrection]:
    """Those of a tenant and all below it that came in these batches, in their order. Raises
    sqlite3.Error."""
    rows = connection.execute(
        f"SELECT {_COLUMNS} {_FROM} WHERE transfer.batch > :after AND transfer.batch <= :cut "
        "AND (consumer.tenant = :tenant "
        "OR substr(consumer.tenant, 1, length(:tenant) + 1) = :tenant || '/') ORDER BY transfer.id",
        {"tenant": tenant, "after": after, "cut": cut},
    )
    return [BookedCorrection._make(row) for row in rows]
