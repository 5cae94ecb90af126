"""Checks of balances: every account says what its transfers say, and debits equal credits."""

import sqlite3
from collections import Counter
from collections.abc import Iterator

from evenhand.stores.audit.looked import Looked, counted, looked

_ACCOUNTS = "SELECT count(*) FROM account"

_POSTED = """
WITH posted AS (
    SELECT debit, credit, input_tokens, cached_input_tokens, output_tokens, nano, reasoning_tokens,
        gpu_us
    FROM transfer WHERE kind IN ('settle', 'excess', 'gpu_time', 'correct')
)
SELECT number, sum(input_tokens), sum(cached_input_tokens), sum(output_tokens), sum(nano),
    sum(reasoning_tokens), sum(gpu_us)
FROM (SELECT debit AS number, * FROM posted UNION ALL SELECT credit, * FROM posted)
GROUP BY number
"""
_HELD = """
WITH open AS (
    SELECT debit, credit, input_tokens, cached_input_tokens, output_tokens, nano
    FROM transfer AS hold WHERE kind = 'hold'
    AND NOT EXISTS (SELECT 1 FROM transfer WHERE id = hold.id + 1)
)
SELECT number, sum(input_tokens), sum(cached_input_tokens), sum(output_tokens), sum(nano) FROM (
    SELECT debit AS number, * FROM open UNION ALL SELECT credit, * FROM open
) GROUP BY number
"""
_DAYS = """
SELECT hold.at_ms / 86400000, hold.debit, sum(later.input_tokens + later.output_tokens),
    sum(later.nano)
FROM transfer AS later JOIN transfer AS hold ON hold.id = later.id - later.id % 4
WHERE later.kind <> 'hold' GROUP BY 1, 2
"""


def posted_is_the_sum(connection: sqlite3.Connection) -> Looked:
    """What an account has posted is the sum of its settlements, excesses and corrections."""
    balances = connection.execute(
        "SELECT number, posted_input, posted_cached, posted_output, posted_nano, posted_reasoning, "
        "posted_gpu_us FROM account"
    )
    at = counted(connection, "account", _ACCOUNTS)
    return looked(at, _unlike(balances, connection.execute(_POSTED)))


def held_is_the_sum(connection: sqlite3.Connection) -> Looked:
    """What an account holds is the sum of its open holds; a hold caches nothing."""
    balances = connection.execute(
        "SELECT number, held_input, 0 AS held_cached, held_output, held_nano FROM account"
    )
    at = counted(connection, "account", _ACCOUNTS)
    return looked(at, _unlike(balances, connection.execute(_HELD)))


def days_are_the_sums(connection: sqlite3.Connection) -> Looked:
    """What an account has posted for a day is what requests that were held on it came to, and what was
    corrected on it."""
    kept = connection.execute("SELECT day, account, posted_tokens, posted_nano FROM account_day")
    sums = {(day, number): tuple(amounts) for day, number, *amounts in connection.execute(_DAYS)}
    at = counted(connection, "day", "SELECT count(*) FROM account_day")
    return looked(at, _unlike_days(kept, sums))


def sides_are_equal(connection: sqlite3.Connection) -> Looked:
    """In each currency, and in each column, consumers were debited what models were credited."""
    rows = connection.execute(
        "SELECT currency, side, posted_input, posted_cached, posted_output, posted_nano, "
        "held_input, held_output, held_nano, posted_reasoning, posted_gpu_us FROM account"
    )
    names = [column[0] for column in rows.description[2:]]
    exceeds: Counter[tuple[str, str]] = Counter()
    for currency, side, *balances in rows:
        for name, balance in zip(names, balances, strict=True):
            exceeds[currency, name] += balance if side == "consumer" else -balance
    faults = (
        f"{name} of consumers exceeds that of models by {difference} ({currency or 'not priced'})"
        for (currency, name), difference in exceeds.items()
        if difference
    )
    currencies = sorted({currency for currency, _ in exceeds if currency})
    return looked(", ".join(currencies) or "nothing is priced", faults)


def accounts_are_whole(connection: sqlite3.Connection) -> Looked:
    """A consumer's account names tenant, application and key, a model's the model."""
    rows = connection.execute(
        "SELECT 'account ' || number || ' does not name its owner as a ' || side FROM account "
        "WHERE CASE side WHEN 'consumer' THEN tenant = '' OR application = '' OR key = '' "
        "OR model <> '' WHEN 'model' THEN tenant || application || key <> '' OR model = '' ELSE 1 END"
    )
    return looked(counted(connection, "account", _ACCOUNTS), (text for (text,) in rows))


def _unlike(balances: sqlite3.Cursor, transfers: sqlite3.Cursor) -> Iterator[str]:
    sums = {number: amounts for number, *amounts in transfers}
    names = [column[0] for column in balances.description[1:]]
    for number, *row in balances:
        wanted = sums.pop(number, [0] * len(names))
        for name, balance, amount in zip(names, row, wanted, strict=True):
            if balance != amount:
                yield f"account {number}: {name} is {balance}, and its transfers make {amount}"
    for number in sums:
        yield f"account {number} is not there, and transfers name it"


def _unlike_days(
    kept: sqlite3.Cursor, sums: dict[tuple[int, int], tuple[int, ...]]
) -> Iterator[str]:
    for day, number, *amounts in kept:
        wanted = sums.pop((day, number), (0, 0))
        if tuple(amounts) != wanted:
            tokens, nano = wanted
            yield (
                f"account {number}, day {day}: {amounts[0]} tokens and {amounts[1]} nano-units, and "
                f"its transfers make {tokens} and {nano}"
            )
    for (day, number), amounts in sums.items():
        if any(amounts):
            yield f"account {number}, day {day}: is missing, and transfers make {amounts[0]} tokens"
