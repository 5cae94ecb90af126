"""Checks of amounts: what was posted was held, and money is price times tokens, rounded once."""

import sqlite3
from collections.abc import Iterator
from itertools import chain
from typing import Any

from evenhand.stores.audit.looked import Looked, counted, looked

_TOKENS_PER_PRICE = 1_000_000
_US_PER_PRICE = 1_000_000
_TRANSFERS = "SELECT count(*) FROM transfer"


def within_the_hold(connection: sqlite3.Connection) -> Looked:
    """A settlement stays within its hold; an excess begins where the hold ends; a release moves
    nothing."""
    wrong = connection.execute(
        "SELECT id, kind, 'has impossible amounts' FROM transfer "
        "WHERE kind <> 'correct' AND (cached_input_tokens > input_tokens "
        "OR reasoning_tokens > output_tokens OR "
        "min(input_tokens, cached_input_tokens, output_tokens, reasoning_tokens, nano) < 0) "
        "OR kind = 'hold' AND (cached_input_tokens <> 0 OR reasoning_tokens <> 0) "
        "OR kind IN ('void', 'expire') AND max(input_tokens, output_tokens, nano) <> 0 "
        "OR kind = 'gpu_time' AND max(input_tokens, output_tokens) <> 0 "
        "OR CASE kind WHEN 'gpu_time' THEN gpu_us <= 0 WHEN 'correct' THEN 0 ELSE gpu_us <> 0 END "
        "UNION ALL "
        "SELECT later.id, later.kind, 'is more than its hold' "
        "FROM transfer AS later JOIN transfer AS hold ON hold.id = later.id - 1 "
        "WHERE later.kind = 'settle' AND (later.input_tokens > hold.input_tokens "
        "OR later.output_tokens > hold.output_tokens OR later.nano > hold.nano) "
        "UNION ALL "
        "SELECT excess.id, excess.kind, 'begins before its hold is used up' FROM transfer AS excess "
        "JOIN transfer AS settle ON settle.id = excess.id - 1 "
        "JOIN transfer AS hold ON hold.id = excess.id - 2 WHERE excess.kind = 'excess' AND ("
        "excess.input_tokens + excess.output_tokens = 0 "
        "OR excess.input_tokens > 0 AND settle.input_tokens <> hold.input_tokens "
        "OR excess.output_tokens > 0 AND settle.output_tokens <> hold.output_tokens)"
    )
    at = counted(connection, "transfer", _TRANSFERS)
    return looked(at, (f"transfer {id_} ({kind}) {what}" for id_, kind, what in wrong))


def between_the_same_accounts(connection: sqlite3.Connection) -> Looked:
    """Each transfer goes from a consumer to a model in one currency, at a price of that model in that
    currency, and what resolves a hold goes between the same two accounts."""
    holds = connection.execute(
        "SELECT hold.id, 'does not go from a consumer to the model of its price in one currency' "
        "FROM transfer AS hold LEFT JOIN account AS debit ON debit.number = hold.debit "
        "LEFT JOIN account AS credit ON credit.number = hold.credit "
        "LEFT JOIN price ON price.number = hold.price "
        "WHERE hold.id % 4 = 0 AND NOT coalesce(debit.side = 'consumer' "
        "AND credit.side = 'model' AND debit.currency = credit.currency "
        "AND (hold.kind = 'correct' OR price.currency = debit.currency "
        "AND price.model = credit.model), 0)"
    )
    others = connection.execute(
        "SELECT later.id, 'does not go between the accounts of its hold' FROM transfer AS later "
        "JOIN transfer AS hold ON hold.id = later.id - later.id % 4 WHERE later.id % 4 > 0 "
        "AND (later.debit <> hold.debit OR later.credit <> hold.credit)"
    )
    at = counted(connection, "transfer", _TRANSFERS)
    return looked(at, (f"transfer {id_} {what}" for id_, what in chain(holds, others)))


def money_is_price_times_tokens(connection: sqlite3.Connection) -> Looked:
    """A hold is rounded up, a settlement down; with its excess it costs what the whole usage costs,
    rounded down once. Computed here, because large products overflow SQL's integers."""
    rows = connection.execute(
        "SELECT hold.id / 4, price.input, price.cached_input, price.output, price.reasoning, "
        "price.request, price.gpu_second, hold.input_tokens, hold.output_tokens, hold.nano, "
        "settle.input_tokens, settle.cached_input_tokens, settle.output_tokens, "
        "settle.reasoning_tokens, settle.nano, excess.input_tokens, excess.cached_input_tokens, "
        "excess.output_tokens, excess.reasoning_tokens, excess.nano, gpu.gpu_us, gpu.nano "
        "FROM transfer AS hold JOIN price ON price.number = hold.price "
        "LEFT JOIN transfer AS settle ON settle.id = hold.id + 1 AND settle.kind = 'settle' "
        "LEFT JOIN transfer AS excess ON excess.id = hold.id + 2 AND excess.kind = 'excess' "
        "LEFT JOIN transfer AS gpu ON gpu.id = hold.id + 3 AND gpu.kind = 'gpu_time' "
        "WHERE hold.id % 4 = 0"
    )
    holds = counted(connection, "hold", "SELECT count(*) FROM transfer WHERE id % 4 = 0")
    prices = counted(connection, "price", "SELECT count(*) FROM price")
    return looked(f"{holds}, {prices}", chain.from_iterable(_miscalculated(*row) for row in rows))


def _miscalculated(number: int, *row: Any) -> Iterator[str]:
    price, bound, settle, excess = row[:6], row[6:9], row[9:14], row[14:19]
    per_request, per_gpu_second, gpu_us, gpu_nano = price[4], price[5], *row[19:]
    exact = bound[0] * price[0] + bound[1] * max(price[2], price[3])
    if bound[2] != -(-exact // _TOKENS_PER_PRICE) + per_request:
        yield f"hold {number}: {bound[2]} nano-units, and its tokens cost {exact} / 10^6, rounded up"
    if settle[0] is None:
        return
    exact = _exact(price, settle)
    if settle[4] != exact // _TOKENS_PER_PRICE + per_request:
        yield f"settlement of hold {number}: {settle[4]} nano-units, and its tokens cost {exact} / 10^6"
    if gpu_us is not None and gpu_nano != gpu_us * per_gpu_second // _US_PER_PRICE:
        yield f"time of GPUs of hold {number}: {gpu_nano} nano-units, which it does not cost"
    if excess[0] is None:
        return
    exact += _exact(price, excess)
    both = settle[4] + excess[4]
    if both != exact // _TOKENS_PER_PRICE + per_request:
        yield f"settlement and excess of hold {number}: {both} nano-units, and cost {exact} / 10^6"


def _exact(price: tuple[int, ...], tokens: tuple[int, ...]) -> int:
    """Nano-units times a million, without what a request costs."""
    input_tokens, cached, output_tokens, reasoning = tokens[:4]
    return (
        (input_tokens - cached) * price[0]
        + cached * price[1]
        + (output_tokens - reasoning) * price[2]
        + reasoning * price[3]
    )
