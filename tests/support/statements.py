"""Statements held against a recount of their own, in plain Python."""

from collections import Counter
from collections.abc import Iterable, Mapping
from contextlib import closing
from datetime import date
from pathlib import Path

from evenhand.cli.statement.statement import stated
from evenhand.cli.usage.period import Period
from evenhand.stores.schema import open_to_read
from evenhand.stores.usage_line import UsageLine
from support.ledger import Row, rows, used

ALWAYS = Period("2020-01-01", date(2100, 1, 1).isoformat())


def statement_totals(database: Path, tenants: Iterable[str]) -> dict[str, UsageLine]:
    """What each tenant's statement of all time sums up to."""
    with closing(open_to_read(database)) as connection:
        return {
            tenant: stated(connection, tenant, ALWAYS, ("model", "key")).figures.total
            for tenant in tenants
        }


def check_statements(
    database: Path, tenants: Iterable[str], booked: Mapping[str, list[Row]]
) -> dict[str, UsageLine]:
    """Each statement is the sum of the requests that were booked (as `resolutions` gives them)."""
    totals = statement_totals(database, tenants)
    owners = {row["number"]: row["tenant"] for row in rows(database, "SELECT * FROM account")}
    for tenant, total in totals.items():
        outcomes: Counter[str] = Counter()
        tokens, nano, is_open = [0, 0, 0], 0, 0
        for hold, *rest in booked.values():
            if owners[hold["debit"]] != tenant:
                continue
            is_open += not rest
            for place, amount in enumerate(used(rest)):
                tokens[place] += amount
            nano += sum(row["nano"] for row in rest)
            outcomes.update(row["outcome"] for row in rest[:1])
        assert total.outcomes == outcomes
        assert tokens == [total.input_tokens, total.cached_input_tokens, total.output_tokens]
        assert sum(total.nano.values()) == nano
    return totals
