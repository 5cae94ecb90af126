"""Usage as tables for people. Columns in which nothing would stand are left out."""

import io
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import partial

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from evenhand.cli.exports.text_table import aligned
from evenhand.cli.usage.figures import seconds_text
from evenhand.cli.usage.report import UsageReport
from evenhand.ledger.money import decimal_text
from evenhand.stores.usage_line import UsageLine

_UNBOUNDED = 10_000
"""Characters: wider than any table, so that nothing is cut."""


@dataclass(frozen=True, slots=True)
class _Column:
    title: str
    cell: Callable[[UsageLine], str]
    is_kept: bool = True
    is_money: bool = False


def table_text(report: UsageReport) -> str:
    """As wide as the figures need it, nothing cut, and with a word on what they mean."""
    period, total, currencies = report.period, report.total, report.currencies
    if not report.lines:
        hint = "Fewer filters, or another period, may show some."
        return f"No requests that ended {period} match. {hint}\n"
    ended = {group: line for group, line in report.lines.items() if line.requests}
    under_way = {group: line for group, line in report.lines.items() if line.open_requests}
    text = f"No requests that ended {period} match.\n"
    if ended:
        text = _drawn(_table(report.by, ended, total, _ended_columns(total, currencies)))
        text += f"\nRequests that ended {period}. Share: of all service units above.\n"
    if total.estimated_tokens:
        text += "Estimated: of the tokens, what we counted because the engine did not report it.\n"
    if under_way:
        columns = _open_columns(total, currencies)
        text += "\nUnder way now, and in no figure above:\n\n"
        text += _drawn(_table(report.by, under_way, total, columns))
    return text


def _drawn(table: Table) -> str:
    stream = io.StringIO()
    console = Console(width=_UNBOUNDED, file=stream)
    console.print(table)
    return "".join(f"{line.rstrip()}\n" for line in stream.getvalue().splitlines())


def _table(
    by: tuple[str, ...],
    lines: dict[tuple[str, ...], UsageLine],
    total: UsageLine,
    possible: Iterable[_Column],
) -> Table:
    table = Table(box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0), pad_edge=False, show_edge=False)
    for name in by:
        table.add_column(name, no_wrap=True, vertical="bottom")
    names = [[name or "-" for name in group] for group in lines]
    figures = [*lines.values()]
    if len(lines) > 1:
        names.append(["all", *[""] * (len(by) - 1)])
        figures.append(total)
    columns = []
    for column in possible:
        if column.is_kept:
            table.add_column(column.title, justify="right", no_wrap=True, vertical="bottom")
            cells = [column.cell(line) for line in figures]
            columns.append(aligned(cells) if column.is_money else cells)
    for number, (group, *cells) in enumerate(zip(names, *columns, strict=True)):
        if number == len(lines):
            table.add_section()
        # As text, so that nothing in a name is taken for markup.
        table.add_row(*map(Text, group), *cells)
    return table


def _ended_columns(total: UsageLine, currencies: list[str]) -> Iterator[_Column]:
    yield _Column("requests", lambda line: f"{line.requests:,}")
    yield _Column("completed", lambda line: f"{line.completed:,}")
    yield _Column("cut\nshort", lambda line: f"{line.cut_short:,}", total.cut_short > 0)
    yield _Column("not\ncharged", lambda line: f"{line.not_charged:,}", total.not_charged > 0)
    yield _Column("input\ntokens", lambda line: f"{line.input_tokens:,}")
    has_cached = total.cached_input_tokens > 0
    yield _Column("of which\ncached", lambda line: f"{line.cached_input_tokens:,}", has_cached)
    yield _Column("output\ntokens", lambda line: f"{line.output_tokens:,}")
    has_reasoning = total.reasoning_tokens > 0
    yield _Column("of which\nreasoned", lambda line: f"{line.reasoning_tokens:,}", has_reasoning)
    yield _Column("esti-\nmated", _estimated, total.estimated_tokens > 0)
    has_gpu = total.gpu_us > 0
    yield _Column("GPU\nseconds", lambda line: seconds_text(line.gpu_us), has_gpu, is_money=True)
    yield _Column("service\nunits", lambda line: f"{line.units:,}")
    yield _Column("share", partial(_share, total))
    for currency in currencies:
        yield _Column(currency, partial(_money, currency), currency in total.nano, is_money=True)
        is_corrected = total.corrected_nano[currency] != 0
        corrected = partial(_corrected, currency)
        yield _Column(f"of which\ncorrected ({currency})", corrected, is_corrected, is_money=True)


def _open_columns(total: UsageLine, currencies: list[str]) -> Iterator[_Column]:
    yield _Column("requests", lambda line: f"{line.open_requests:,}")
    yield _Column("tokens held", lambda line: f"{line.held_tokens:,}")
    for currency in currencies:
        is_held = currency in total.held_nano
        yield _Column(f"{currency} held", partial(_held, currency), is_held, is_money=True)


def _estimated(line: UsageLine) -> str:
    return _percent(line.estimated_tokens, line.tokens)


def _share(total: UsageLine, line: UsageLine) -> str:
    return _percent(line.units, total.units)


def _money(currency: str, line: UsageLine) -> str:
    return decimal_text(line.nano[currency])


def _corrected(currency: str, line: UsageLine) -> str:
    return decimal_text(line.corrected_nano[currency])


def _held(currency: str, line: UsageLine) -> str:
    return decimal_text(line.held_nano[currency])


def _percent(some: int, all_: int) -> str:
    """With one decimal, in whole numbers all the way."""
    if not all_:
        return "-"
    thousandths = (some * 2000 + all_) // (2 * all_)
    return f"{thousandths // 10}.{thousandths % 10} %"
