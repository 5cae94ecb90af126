"""A statement as one table of rows, for CSV and Parquet: usage, what was late, corrections; what is
held, and GPU time. Only the first three have money, which makes up what is owed."""

from collections.abc import Iterator

from evenhand.cli.exports.columns import Column, Row, Sort, Table
from evenhand.cli.exports.csv_file import cell
from evenhand.cli.statement.statement import Statement
from evenhand.cli.usage.figures import counts, outcomes
from evenhand.model import Outcome
from evenhand.stores.correction_query import BookedCorrection
from evenhand.stores.statement_gpu import GpuCost
from evenhand.stores.statement_query import as_line
from evenhand.stores.usage_line import Group, UsageLine

_OF_CORRECTIONS = ("reference", "author", "reason", "request")


def sections_table(statement: Statement) -> Table:
    """A column that a row has no value for is empty there. `money` is of that row's currency."""
    return Table(_columns(statement), list(_rows(statement)))


def _columns(statement: Statement) -> list[Column]:
    texts = ("tenant_node", "period_from", "period_to", "cut", "section", *statement.by, "currency")
    return [
        Column("statement", Sort.WHOLE),
        *map(Column, texts),
        Column("money", Sort.NANO),
        *(Column(name, Sort.WHOLE) for name in counts(UsageLine())),
        Column("held_money", Sort.NANO),
        Column("gpu_cost", Sort.NANO),
        *(Column(f"outcome_{outcome.value}", Sort.WHOLE) for outcome in Outcome),
        Column("of_statement", Sort.WHOLE),
        *map(Column, _OF_CORRECTIONS),
    ]


def _rows(statement: Statement) -> Iterator[Row]:
    figures = statement.figures
    for group, line in figures.lines.items():
        yield _row(statement, "usage", group, line)
    for group, line in figures.late.items():
        yield _row(statement, "late", group[1:], line) | {"of_statement": int(group[0])}
    for each in figures.corrections:
        yield _correction(statement, each)
    for group, line in figures.open.items():
        yield _row(statement, "held", group, line)
    for cost in figures.gpu:
        yield from _gpu(statement, cost)


def _row(
    statement: Statement, section: str, group: Group, line: UsageLine
) -> dict[str, str | int | None]:
    names, currency = group[:-1], group[-1]
    return {
        "statement": statement.number,
        "tenant_node": statement.tenant,
        "period_from": str(statement.period.first),
        "period_to": str(statement.period.end),
        "cut": str(statement.figures.cut),
        "section": section,
        **dict(zip(statement.by, names, strict=True)),
        "currency": currency or None,
        "money": line.nano[currency] if currency else None,
        **counts(line),
        "held_money": line.held_nano[currency] if currency else None,
        "gpu_cost": None,
        **{f"outcome_{name}": count for name, count in outcomes(line).items()},
        "of_statement": None,
        **dict.fromkeys(_OF_CORRECTIONS),
    }


def _gpu(statement: Statement, cost: GpuCost) -> Iterator[Row]:
    names = {"tenant": cost.tenant, "model": cost.model}
    group = tuple(names.get(name, "") for name in statement.by)
    line = UsageLine(gpu_us=cost.exact_us + cost.estimated_us)
    for currency, nano in cost.nano.items() or (("", None),):
        row = _row(statement, "gpu", (*group, currency), line)
        yield row | {"money": None, "held_money": None, "gpu_cost": nano}
        line = UsageLine()  # its time counts once, whatever currencies it cost


def _correction(statement: Statement, each: BookedCorrection) -> Row:
    names = correction_names(each)
    group = (*(names.get(name, "") for name in statement.by), each.currency)
    why = {name: getattr(each, name) for name in _OF_CORRECTIONS}
    return _row(statement, "correction", group, as_line(each)) | why


def correction_names(each: BookedCorrection) -> dict[str, str]:
    """What it can be grouped by."""
    day = cell(each.at_ms, Sort.MOMENT)[:10]
    return {
        "tenant": each.tenant,
        "application": each.application,
        "key": each.key,
        "model": each.model,
        "day": day,
        "month": day[:7],
    }
