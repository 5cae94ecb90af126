"""A statement for people to read."""

from collections.abc import Iterable, Iterator, Mapping

from evenhand.cli.exports.columns import Sort
from evenhand.cli.exports.csv_file import cell
from evenhand.cli.exports.text_table import aligned, text_table
from evenhand.cli.statement.statement import Statement
from evenhand.cli.usage.figures import seconds_text
from evenhand.ledger.money import decimal_text
from evenhand.stores.correction_query import BookedCorrection
from evenhand.stores.statement_gpu import GpuCost
from evenhand.stores.usage_line import Group, UsageLine

_FIGURES = (
    *("requests", "completed", "input", "cached", "output", "reasoning", "estimated", "GPU s"),
    "money",
)


def text(statement: Statement) -> str:
    """Whole, with a word on what each part means."""
    return "\n".join(_parts(statement))


def _parts(statement: Statement) -> Iterator[str]:
    figures, total = statement.figures, statement.figures.total
    yield _head(statement)
    if figures.lines:
        yield _lines(statement.by, figures.lines, has_sum=True)
    else:
        yield "Nothing was used in this period.\n"
    if total.outcomes:
        ended = ", ".join(f"{count:,} {name}" for name, count in sorted(total.outcomes.items()))
        yield f"Requests by outcome: {ended}.\n"
    if figures.late:
        yield "Came after the statements of their periods had been issued:\n"
        yield _lines(("of statement", *statement.by), figures.late, has_sum=False)
    if figures.corrections:
        yield "Corrections:\n"
        yield _corrections(figures.corrections)
    yield _owed(total)
    if figures.gpu:
        until = cell(figures.gpu_until_ms, Sort.MOMENT)
        yield f"GPU time of its requests until before {until}, what the hardware cost, in no total:\n"
        yield _gpu(figures.gpu)
    if figures.open:
        held = UsageLine()
        for line in figures.open.values():
            held.add(line)
        yield (
            f"Under way at the cut, and in no figure above: {held.open_requests:,} requests, which hold"
            f" {held.held_tokens:,} tokens{_held_money(held)}.\n"
        )


def _head(statement: Statement) -> str:
    period, number = statement.period, statement.number
    title = f"Statement {number}" if number is not None else "Statement (draft: not issued)"
    last = statement.figures.cut.last
    return (
        f"{title} for {statement.tenant}\n"
        f"Period  {period.first} until before {period.end} (UTC)\n"
        f"Cut     {statement.figures.cut}: batch {statement.figures.cut.batch:,} of the ledger"
        f"{f', after statement {last}' if last else ''}\n"
        f"Digest  {statement.digest}\n"
    )


def _lines(by: tuple[str, ...], lines: Mapping[Group, UsageLine], *, has_sum: bool) -> str:
    rows = [
        ([str(name) or "-" for name in names], line, currency)
        for (*names, currency), line in lines.items()
    ]
    currencies = {currency for _, _, currency in rows}
    has_sum = has_sum and len(rows) > 1 and len(currencies) == 1
    if has_sum:
        total = UsageLine()
        for line in lines.values():
            total.add(line)
        rows.append((["all", *[""] * (len(by) - 1)], total, currencies.pop()))
    money = _money([(line.nano[currency], currency) for _, line, currency in rows])
    gpu_s = aligned([seconds_text(line.gpu_us) for _, line, _ in rows])
    cells = [
        [*names, *_counts(line), seconds, amount]
        for (names, line, _), seconds, amount in zip(rows, gpu_s, money, strict=True)
    ]
    return text_table([*by, *_FIGURES], cells, names=len(by), has_sum=has_sum)


def _counts(line: UsageLine) -> list[str]:
    figures = (
        *(line.requests, line.completed, line.input_tokens, line.cached_input_tokens),
        *(line.output_tokens, line.reasoning_tokens, line.estimated_tokens),
    )
    return [f"{figure:,}" for figure in figures]


def _money(amounts: Iterable[tuple[int, str]]) -> list[str]:
    """With decimal points below one another."""
    amounts = list(amounts)
    texts = aligned([decimal_text(nano) for nano, _ in amounts])
    return [
        f"{text} {currency}" if currency else "-"
        for text, (_, currency) in zip(texts, amounts, strict=True)
    ]


def _corrections(corrections: tuple[BookedCorrection, ...]) -> str:
    heads = ("reference", "day", "tenant", "model", "by", "reason", "money")
    money = _money((each.nano, each.currency) for each in corrections)
    rows = [
        [
            each.reference,
            cell(each.at_ms, Sort.MOMENT)[:10],
            each.tenant,
            each.model,
            each.author,
            each.reason,
            amount,
        ]
        for each, amount in zip(corrections, money, strict=True)
    ]
    return text_table(heads, rows, names=6)


def _gpu(costs: tuple[GpuCost, ...]) -> str:
    heads = ("tenant", "model", "exact s", "estimated s", "cost")
    rows = [
        [
            *(
                each.tenant,
                each.model,
                seconds_text(each.exact_us),
                seconds_text(each.estimated_us),
            ),
            ", ".join(f"{decimal_text(nano)} {name}" for name, nano in each.nano.items()) or "-",
        ]
        for each in costs
    ]
    return text_table(heads, rows, names=2)


def _owed(total: UsageLine) -> str:
    if not total.nano:
        return "Nothing in it has a price.\n"
    amounts = _money((nano, currency) for currency, nano in sorted(total.nano.items()))
    width = max(map(len, amounts))
    return "".join(f"Total  {amount:>{width}}\n" for amount in amounts)


def _held_money(held: UsageLine) -> str:
    return "".join(
        f" and {decimal_text(nano)} {currency}" for currency, nano in sorted(held.held_nano.items())
    )
