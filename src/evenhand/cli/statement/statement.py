"""A statement before it takes a form: whose, for when, cut off where, and its figures."""

import hashlib
import sqlite3
from dataclasses import dataclass

from evenhand.cli.usage.period import Period
from evenhand.ledger.money import decimal_text
from evenhand.stores.problem import StateProblemError
from evenhand.stores.statement_query import Cut, StatementFigures, StatementQuery, read_statement
from evenhand.stores.usage_line import Group, UsageLine

BY = ("model",)
"""How lines are grouped unless somebody asks otherwise."""

_FINEST = ("tenant", "application", "key", "model", "day")


@dataclass(frozen=True, slots=True, kw_only=True)
class Statement:
    """`by` names the grouping columns; `digest` is of the finest grouping, and so the same for all."""

    tenant: str
    period: Period
    by: tuple[str, ...]
    figures: StatementFigures
    digest: str

    @property
    def number(self) -> int | None:
        """None: it is a draft, and was not issued."""
        return None if self.figures.issued is None else self.figures.issued.number

    @property
    def title(self) -> str:
        """For people."""
        return "draft" if self.number is None else f"statement {self.number}"

    @property
    def currencies(self) -> list[str]:
        """Those in which anything was priced."""
        return sorted(self.figures.total.nano)


def stated(
    connection: sqlite3.Connection,
    tenant: str,
    period: Period,
    by: tuple[str, ...] = BY,
    cut: Cut | None = None,
) -> Statement:
    """Compute it. Raises StateProblemError where the cut cannot be had, or where an issued statement is
    not as it was."""
    assert period.from_ms is not None
    assert period.to_ms is not None

    def read(by: tuple[str, ...], cut: Cut | None) -> StatementFigures:
        query = StatementQuery(
            tenant=tenant, from_ms=period.from_ms or 0, to_ms=period.to_ms or 0, by=by, cut=cut
        )
        return read_statement(connection, query)

    finest = read(_FINEST, cut)
    digest = digest_of(tenant, period, finest)
    issued = finest.issued
    if issued is not None and issued.digest != digest:
        raise StateProblemError(
            f"statement {issued.number} was issued with the digest {issued.digest}, and the ledger now"
            f" makes {digest}: somebody has changed it; see `evenhand ledger audit`"
        )
    figures = read(by, finest.cut)
    return Statement(tenant=tenant, period=period, by=by, figures=figures, digest=digest)


def digest_of(tenant: str, period: Period, finest: StatementFigures) -> str:
    """Of every figure, in a form of its own: how statements look may change, what is owed may not."""
    lines = [f"1 {tenant!a} {period.first} {period.end} {finest.cut}"]
    for name, section in (("usage", finest.lines), ("late", finest.late), ("held", finest.open)):
        lines += [_canonical(name, group, line) for group, line in section.items()]
    lines += [f"correction {tuple(each)!a}" for each in finest.corrections]
    return "sha256:" + hashlib.sha256("\n".join(lines).encode()).hexdigest()


def _canonical(section: str, group: Group, line: UsageLine) -> str:
    figures = (
        sorted(line.outcomes.items()),
        line.charged,
        line.input_tokens,
        line.cached_input_tokens,
        line.output_tokens,
        line.reasoning_tokens,
        line.gpu_us,
        line.estimated_tokens,
        line.units,
        line.open_requests,
        line.held_tokens,
        [(currency, decimal_text(nano)) for currency, nano in sorted(line.nano.items())],
        [(currency, decimal_text(nano)) for currency, nano in sorted(line.held_nano.items())],
    )
    return f"{section} {group!a} {figures!a}"
