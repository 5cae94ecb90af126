"""Usage as a table for CSV and Parquet, a row for each line. There is no row of sums: who adds up a
column must not count everything twice."""

from evenhand.cli.exports.columns import Column, Row, Sort, Table
from evenhand.cli.usage.figures import counts, outcomes, ratio
from evenhand.cli.usage.report import UsageReport
from evenhand.model import Outcome
from evenhand.stores.usage_line import UsageLine


def usage_table(report: UsageReport) -> Table:
    """Figures exact; a column for the money of each currency."""
    currencies = report.currencies
    columns = [
        *map(Column, report.by),
        *(Column(name, Sort.WHOLE) for name in counts(UsageLine())),
        Column("share", Sort.DECIMAL),
        Column("estimated", Sort.DECIMAL),
        *(Column(f"money_{currency}", Sort.NANO) for currency in currencies),
        *(Column(f"corrected_{currency}", Sort.NANO) for currency in currencies),
        *(Column(f"held_{currency}", Sort.NANO) for currency in currencies),
        *(Column(f"outcome_{outcome.value}", Sort.WHOLE) for outcome in Outcome),
    ]
    total = report.total
    rows: list[Row] = [
        {**dict(zip(report.by, group, strict=True)), **_figures(line, total, currencies)}
        for group, line in report.lines.items()
    ]
    return Table(columns, rows)


def _figures(line: UsageLine, total: UsageLine, currencies: list[str]) -> Row:
    return {
        **counts(line),
        "share": ratio(line.units, total.units),
        "estimated": ratio(line.estimated_tokens, line.tokens),
        **{f"money_{currency}": line.nano[currency] for currency in currencies},
        **{f"corrected_{currency}": line.corrected_nano[currency] for currency in currencies},
        **{f"held_{currency}": line.held_nano[currency] for currency in currencies},
        **{f"outcome_{name}": count for name, count in outcomes(line).items()},
    }
