"""What an audit has found, in plain words and figures."""

from collections.abc import Iterator
from pathlib import Path

import typer

from evenhand.ledger.money import decimal_text
from evenhand.stores.audit import TOLD_MAX, Audit, Check, Looked, OpenRequest

_OPEN_SHOWN_MAX = 20


def findings(found: Audit, database: Path, now_ms: int, *, runs: bool) -> Iterator[str]:
    """The lines of the report."""
    gateway = "a gateway runs" if runs else "no gateway runs"
    yield f"{database}: batch {found.seq:,}, {found.transfers:,} transfers; {gateway}"
    yield ""
    title_width = max(len(check.title) for check, _ in found.results)
    for check, looked in found.results:
        yield f"{_word(check, looked)}  {check.title:<{title_width}}  {looked.at}".rstrip()
        yield from (f"         {text}" for text in looked.told)
        more = looked.found - len(looked.told)
        if more and len(looked.told) == TOLD_MAX:
            yield f"         and {more:,} more"
    if found.open_requests:
        yield ""
        yield from _open(found.open_requests, now_ms)
    yield ""
    yield _verdict(found)


def _word(check: Check, looked: Looked) -> str:
    if not looked.found:
        return typer.style("ok   ", fg="green")
    if check.warns_only:
        return typer.style("odd  ", fg="yellow")
    return typer.style("FAULT", fg="red", bold=True)


def _open(left: tuple[OpenRequest, ...], now_ms: int) -> Iterator[str]:
    yield "Open holds:"
    for hold in left[:_OPEN_SHOWN_MAX]:
        money = f", {decimal_text(hold.nano)} {hold.currency}" if hold.currency else ""
        mark = ", marked" if hold.is_marked else ""
        yield (
            f"  {_age(now_ms - hold.since_ms):>7}  {hold.request}  {hold.tenant}  {hold.model}"
            f"  {hold.tokens:,} tokens{money}{mark}"
        )
    if len(left) > _OPEN_SHOWN_MAX:
        yield f"  and {len(left) - _OPEN_SHOWN_MAX:,} more; --json lists all"


def _age(ms: int) -> str:
    seconds = max(0, ms) // 1000
    for length, unit in ((86_400, "d"), (3_600, "h"), (60, "min")):
        if seconds >= 2 * length:
            return f"{seconds // length} {unit}"
    return f"{seconds} s"


def _verdict(found: Audit) -> str:
    if not found.faults:
        return "The books are in order."
    if all(not looked.found or check.warns_only for check, looked in found.results[:-1]):
        return (
            "The books add up; a gateway has died. Start it with this configuration: it settles what"
            " was marked and releases the rest."
        )
    return (
        f"{found.faults:,} faults. Keep the files as they are, stop the gateway, and restore a backup"
        " (`evenhand ledger restore`), which keeps this database beside it."
    )
