"""A statement's figures: what a tenant has used in a period, as the ledger stood after one batch.

Batches are numbered and never change, so whoever asks again with the same cut is told the same, however
much was booked since. What falls into a period that has its statement already, and came later, is in
the next statement: each entry is in exactly one of a tenant's issued statements.
"""

import re
import sqlite3
from dataclasses import dataclass

from evenhand.ledger.batch import PriceRow
from evenhand.stores.correction_query import BookedCorrection, corrections_under
from evenhand.stores.issued_statements import Issued, issued_for
from evenhand.stores.problem import NotAsAskedError
from evenhand.stores.statement_gpu import GpuCost, gpu_costs, gpu_of_text, gpu_until_ms
from evenhand.stores.usage_line import Group, UsageLine
from evenhand.stores.usage_query import Late, UsageQuery, booked, still_open


@dataclass(frozen=True, slots=True)
class Cut:
    """Where a statement is cut off: after a batch of the ledger, and after the tenant's issued statement
    of number `last` (0: none), which has what was late until then. Written `4711`, or `4711/12`."""

    batch: int
    last: int = 0

    def __str__(self) -> str:
        return f"{self.batch}/{self.last}" if self.last else f"{self.batch}"


_CUT = re.compile(r"(\d{1,15})(?:/(\d{1,15}))?")


def cut_named(text: str) -> Cut:
    """A cut as a statement writes it. Raises ValueError with a message that names the fix."""
    match = _CUT.fullmatch(text)
    if match is None:
        raise ValueError(f"{text!a} is no cut: copy it from a statement, such as 4711/12")
    return Cut(int(match[1]), int(match[2] or 0))


@dataclass(frozen=True, slots=True, kw_only=True)
class StatementQuery:
    """`by` are keys of GROUPINGS; lines are always of one currency. `cut` None: as of now, or, of a
    period that has its statement, as that was."""

    tenant: str
    from_ms: int
    to_ms: int
    by: tuple[str, ...]
    cut: Cut | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class StatementFigures:
    """`lines` are of the period, and `late` of earlier ones, with the number of their statement in
    front; both without `corrections`, which stand apart. `open` is what requests under way held at
    the cut. Keys end in the currency."""

    issued: Issued | None
    cut: Cut
    lines: dict[Group, UsageLine]
    late: dict[Group, UsageLine]
    corrections: tuple[BookedCorrection, ...]
    open: dict[Group, UsageLine]
    total: UsageLine
    prices: dict[int, PriceRow]
    gpu: tuple[GpuCost, ...]
    gpu_until_ms: int
    """GPU time is told until before this moment."""


def read_statement(connection: sqlite3.Connection, query: StatementQuery) -> StatementFigures:
    """All of one moment. Raises NotAsAskedError where the cut cannot be had, or sqlite3.Error."""
    connection.execute("BEGIN")
    try:
        issued = issued_for(connection, query.tenant)
        own = _own(issued, query)
        cut = _cut(connection, query, issued, own)
        return _figures(connection, query, cut, issued, own)
    finally:
        connection.execute("ROLLBACK")


def _own(issued: list[Issued], query: StatementQuery) -> Issued | None:
    """The issued statement that is asked for, if it is one."""
    for each in issued:
        if (each.from_ms, each.to_ms) != (query.from_ms, query.to_ms):
            continue
        if query.cut in (None, Cut(each.cut, _before(issued, each))):
            return each
    return None


def _before(issued: list[Issued], one: Issued) -> int:
    return max((each.number for each in issued if each.number < one.number), default=0)


def _cut(
    connection: sqlite3.Connection, query: StatementQuery, issued: list[Issued], own: Issued | None
) -> Cut:
    if own is not None:
        return Cut(own.cut, _before(issued, own))
    seq, first = connection.execute("SELECT seq, batches_from FROM ledger").fetchone()
    numbers = [each.number for each in issued]
    if query.cut is None:
        return Cut(seq, max(numbers, default=0))
    if not first <= query.cut.batch <= seq:
        raise NotAsAskedError(
            f"the ledger cannot be cut off after batch {query.cut.batch}: name one from {first} to {seq}"
        )
    if query.cut.last and query.cut.last not in numbers:
        raise NotAsAskedError(
            f"{query.tenant} has no statement {query.cut.last}: `evenhand statement --issued` lists them"
        )
    return query.cut


def _figures(
    connection: sqlite3.Connection,
    query: StatementQuery,
    cut: Cut,
    issued: list[Issued],
    own: Issued | None,
) -> StatementFigures:
    by = (*query.by, "currency")
    usage = UsageQuery(
        by=by,
        tenant=query.tenant,
        from_ms=query.from_ms,
        to_ms=query.to_ms,
        with_corrections=False,
        cut=cut.batch,
    )
    before = [each for each in issued if each.number <= cut.last]
    after = max((each.cut for each in before), default=cut.batch)
    late_usage = UsageQuery(
        by=("statement", *by),
        tenant=query.tenant,
        with_corrections=False,
        after=after,
        cut=cut.batch,
    )
    late = Late(last=cut.last, not_from_ms=query.from_ms, not_to_ms=query.to_ms)
    lines = booked(connection, usage)
    late_lines = booked(connection, late_usage, late) if after < cut.batch else {}
    corrections = _corrections(connection, query, cut, before, after)
    total = _total(lines, late_lines, corrections)
    until_ms = min(query.to_ms, gpu_until_ms(connection, cut.batch)) if own is None else own.to_ms
    gpu = gpu_of_text(own.gpu) if own else _gpu(connection, query, until_ms)
    held = still_open(connection, UsageQuery(by=by, tenant=query.tenant, cut=cut.batch))
    figures = StatementFigures(
        issued=own,
        cut=cut,
        lines=_sorted(lines),
        late=_sorted(late_lines),
        corrections=corrections,
        open=_sorted(held),
        total=total,
        prices=_prices(connection),
        gpu=gpu,
        gpu_until_ms=until_ms,
    )
    _assert_sum(connection, query, figures, before, after)
    return figures


def _corrections(
    connection: sqlite3.Connection,
    query: StatementQuery,
    cut: Cut,
    before: list[Issued],
    after: int,
) -> tuple[BookedCorrection, ...]:
    """Of the period, and those that came late into an earlier one."""

    def own(each: BookedCorrection) -> bool:
        return query.from_ms <= each.at_ms < query.to_ms

    found = corrections_under(connection, query.tenant, after=-1, cut=cut.batch)
    late = corrections_under(connection, query.tenant, after=after, cut=cut.batch)
    chosen = {each.id: each for each in found if own(each)}
    for each in late:
        if any(other.from_ms <= each.at_ms < other.to_ms for other in before):
            chosen[each.id] = each
    return tuple(chosen[id_] for id_ in sorted(chosen))


def _total(
    lines: dict[Group, UsageLine],
    late: dict[Group, UsageLine],
    corrections: tuple[BookedCorrection, ...],
) -> UsageLine:
    total = UsageLine()
    for line in (*lines.values(), *late.values()):
        total.add(line)
    for each in corrections:
        total.add(as_line(each))
    return total


def as_line(correction: BookedCorrection) -> UsageLine:
    """A correction's amounts."""
    line = UsageLine(
        corrections=1,
        input_tokens=correction.input_tokens,
        cached_input_tokens=correction.cached_input_tokens,
        output_tokens=correction.output_tokens,
        reasoning_tokens=correction.reasoning_tokens,
        gpu_us=correction.gpu_us,
    )
    if correction.currency:
        line.nano[correction.currency] = line.corrected_nano[correction.currency] = correction.nano
    return line


def _gpu(
    connection: sqlite3.Connection, query: StatementQuery, until_ms: int
) -> tuple[GpuCost, ...]:
    if until_ms <= query.from_ms:
        return ()
    return gpu_costs(connection, query.tenant, query.from_ms, until_ms)


def _prices(connection: sqlite3.Connection) -> dict[int, PriceRow]:
    """All that there ever were, by their numbers."""
    names = ", ".join(PriceRow._fields)
    rows = connection.execute(f"SELECT {names} FROM price")  # noqa: S608 - our own words
    return {row[0]: PriceRow._make(row) for row in rows}


def _sorted(lines: dict[Group, UsageLine]) -> dict[Group, UsageLine]:
    return dict(sorted(lines.items()))


_SUM = """
SELECT consumer.currency, sum(entry.input_tokens), sum(entry.output_tokens), sum(entry.nano)
FROM transfer AS entry JOIN account AS consumer ON consumer.number = entry.debit
WHERE entry.kind <> 'hold' AND entry.batch <= :cut AND (
    consumer.tenant = :tenant
    OR substr(consumer.tenant, 1, length(:tenant) + 1) = :tenant || '/'
) AND (
    entry.at_ms >= :from_ms AND entry.at_ms < :to_ms
    OR entry.batch > :after AND EXISTS (
        SELECT 1 FROM statement WHERE tenant = :tenant AND number <= :last
        AND entry.at_ms >= from_ms AND entry.at_ms < to_ms
    )
) GROUP BY consumer.currency
"""


def _assert_sum(
    connection: sqlite3.Connection,
    query: StatementQuery,
    figures: StatementFigures,
    before: list[Issued],
    after: int,
) -> None:
    """Everything that is in the statement, added up by another question, is its total."""
    chosen = {
        "tenant": query.tenant,
        "from_ms": query.from_ms,
        "to_ms": query.to_ms,
        "cut": figures.cut.batch,
        "after": after,
        "last": before[-1].number if before else 0,
    }
    input_tokens = output_tokens = 0
    for currency, more_input, more_output, nano in connection.execute(_SUM, chosen):
        input_tokens += more_input
        output_tokens += more_output
        assert not currency or figures.total.nano[currency] == nano, "lines are the total"
    assert figures.total.input_tokens == input_tokens, "lines are the total"
    assert figures.total.output_tokens == output_tokens, "lines are the total"
