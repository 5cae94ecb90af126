"""`/api/v1/budgets`: how budgets stand at this moment, and the section that sets them."""

from datetime import UTC, datetime
from typing import Any, Final

from pydantic import BaseModel
from starlette.requests import Request
from starlette.responses import Response

from evenhand.cli.api.reading import query_of
from evenhand.cli.api.sections import budgets_set_page
from evenhand.cli.api.told import NoQuery, refusing, versioned
from evenhand.cli.live.live_configuration import LiveConfiguration
from evenhand.gateway.admin import Caller, Page, Role
from evenhand.gateway.beneath import is_beneath
from evenhand.gateway.bookkeeping import Bookkeeper, NoBookkeeping
from evenhand.gateway.identity import KeyRing
from evenhand.ledger import BudgetStanding
from evenhand.ledger.money import decimal_text
from evenhand.model import TenantPath

_KEYS_MAX: Final = 1_000


class BudgetTold(BaseModel):
    """A budget as it stands: `max` is posted, held and left together, unless more was used than held.
    Money is decimal text in units of `currency`; null where there is no such limit."""

    tenant: str | None
    key: str | None
    """Either of the two is whose budget it is."""
    period: str
    """`day`, `week`, `month` or `total`."""
    mode: str
    """`hard` or `soft`."""
    resets_at: str | None
    """When it begins anew; null: never."""
    currency: str | None
    spend_max: str | None
    spend_posted: str | None
    spend_held: str | None
    spend_left: str | None
    tokens_max: int | None
    tokens_posted: int
    tokens_held: int
    tokens_left: int | None
    used_up: bool
    """Nothing is left of one of its limits."""


class BudgetsTold(BaseModel):
    """All of the configuration's, and the limits that single keys have for their life."""

    version: int
    at: str
    """The moment that it tells of."""
    budgets: list[BudgetTold]
    """In the order of the section `budgets`."""
    keys: list[BudgetTold]
    """Of `limits.spend_max` and `limits.tokens_max`; at most 1000."""
    keys_left_out: int


def budgets_pages(
    live: LiveConfiguration, bookkeeping: Bookkeeper | NoBookkeeping, keys: KeyRing
) -> list[Page]:
    """GET and PUT; what is set is the section of the configuration."""

    async def show(request: Request, caller: Caller) -> Response:
        query_of(request, NoQuery)
        told = _told(live.version, bookkeeping, keys, caller.tenant or ())
        return versioned(told, live.version)

    return [
        Page(
            path="/api/v1/budgets",
            role=Role.TENANT,
            answer=refusing(show),
            summary="How each budget stands: limit, spent, held, left, and when it begins anew. A"
            " tenant's key: its own.",
            query=NoQuery,
            result=BudgetsTold,
        ),
        budgets_set_page(live),
    ]


def _told(
    version: int, bookkeeping: Bookkeeper | NoBookkeeping, keys: KeyRing, beneath: TenantPath
) -> dict[str, object]:
    """Of that node and all beneath it: what nodes above have spent is also others'."""
    if isinstance(bookkeeping, NoBookkeeping):
        none: list[object] = []
        now = _time(int(datetime.now(UTC).timestamp() * 1000))
        return {"version": version, "at": now, "budgets": none, "keys": none, "keys_left_out": 0}
    books, at_ms = bookkeeping.books, bookkeeping.wall_ms()
    limited = [one for one in keys.with_budgets() if is_beneath(one.tenant, beneath)]
    standings = list(books.standings(at_ms))
    if beneath:
        own = {key.holder.identity.key_id for key in keys.beneath(beneath)}
        standings = [
            standing
            for standing in standings
            if standing.rule.key in own
            or (standing.rule.key is None and is_beneath(standing.rule.tenant, beneath))
        ]
    told = [
        books.standing_for_life(identity.key_id, identity.budget)
        for identity in limited[:_KEYS_MAX]
        if identity.budget is not None
    ]
    return {
        "version": version,
        "at": _time(at_ms),
        "budgets": [budget_told(standing) for standing in standings],
        "keys": [budget_told(standing) for standing in told],
        "keys_left_out": len(limited) - len(told),
    }


def budget_told(standing: BudgetStanding) -> dict[str, Any]:
    """As JSON; see `BudgetTold`."""
    rule, spent, limits = standing.rule, standing.spent, standing.rule.limits
    has_money = limits.nano_max is not None

    def money(nano: int | None) -> str | None:
        return decimal_text(nano) if has_money and nano is not None else None

    return {
        "tenant": "/".join(rule.tenant) or None,
        "key": rule.key,
        "period": rule.period.value,
        "mode": "hard" if rule.is_hard else "soft",
        "resets_at": None if standing.resets_ms is None else _time(standing.resets_ms),
        "currency": limits.currency if has_money else None,
        "spend_max": money(limits.nano_max),
        "spend_posted": money(spent.posted_nano),
        "spend_held": money(spent.held_nano),
        "spend_left": money(standing.nano_left),
        "tokens_max": limits.tokens_max,
        "tokens_posted": spent.posted_tokens,
        "tokens_held": spent.held_tokens,
        "tokens_left": standing.tokens_left,
        "used_up": standing.is_used_up,
    }


def _time(at_ms: int) -> str:
    return f"{datetime.fromtimestamp(at_ms / 1000, UTC):%Y-%m-%dT%H:%M:%SZ}"
