"""One frame: what fits a terminal of that size, the most telling first."""

import time
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from evenhand.cli.top.rows import PPM, SORTS, Row, rows_of
from evenhand.cli.top.words import duration, number, percent, share_bar

_NARROW = 76
_WIDE = 110
_VERY_WIDE = 140
_ALARMS_SHOWN = 3
_ENGINES_SHOWN = 6


def frame(
    samples: Sequence[Mapping[str, Any]],
    alarms: Sequence[Mapping[str, Any]],
    *,
    sort: str,
    width: int,
    height: int | None,
    trouble: str | None = None,
    keys: bool = True,
) -> RenderableType:
    """`height` None: as long as it needs to be."""
    sample = samples[-1]
    lines: list[RenderableType] = [*_head(sample), *_engines(sample, width), *_lanes(sample)]
    lines += [_alarm(alarm) for alarm in alarms[:_ALARMS_SHOWN]]
    if len(alarms) > _ALARMS_SHOWN:
        lines.append(Text(f"  and {len(alarms) - _ALARMS_SHOWN} more alarms", style="red"))
    if trouble is not None:
        lines.append(Text(trouble, style="bold red", no_wrap=True, overflow="ellipsis"))
    rows = rows_of(samples, sort)
    room = len(rows)
    if height is not None:
        room = max(1, height - len(lines) - 3 - int(keys))
    lines.append(_tenants(rows[:room], width))
    lines.append(_left_out(rows, room, sample))
    if keys:
        lines.append(_keys(sort))
    return Group(*lines)


def _head(sample: Mapping[str, Any]) -> Iterator[Text]:
    queue, since = sample["queue"], sample["since_last"]
    seconds = max(1, sample["interval_ms"]) / 1000
    clock = time.strftime("%H:%M:%S", time.localtime(sample["at_ms"] / 1000))
    first = Text(no_wrap=True, overflow="ellipsis")
    first.append(f"evenhand {clock}", style="bold")
    first.append(f"  open {sample['open_requests']}, waiting {queue['requests']}")
    if queue["requests"]:
        first.append(f" ({duration(queue['oldest_wait_ms'])})", style="yellow")
    first.append(f"  ended {since['ended'] / seconds:.0f}/s")
    refused = since["refused"] / seconds
    first.append(f", refused {refused:.0f}/s", style="red" if since["refused"] else "")
    yield first
    second = Text(no_wrap=True, overflow="ellipsis")
    second.append("fairness  ")
    for name, key in (("1 s ", "jain_1s_ppm"), ("  5 min ", "jain_5min_ppm")):
        second.append(name)
        second.append_text(_index(sample[key]))
    second.append(
        f"  {sample['backlogged_tenants']} of {sample['active_tenants']} active tenants wait"
        f"  {number(since['output_tokens'] / seconds)} tokens/s"
    )
    yield second


def _index(ppm: int | None) -> Text:
    if ppm is None:
        return Text("-", style="dim")
    style = "green" if ppm >= 900_000 else "yellow" if ppm >= 700_000 else "bold red"
    return Text(f"{ppm / PPM:.3f}", style=style)


def _engines(sample: Mapping[str, Any], width: int) -> Iterator[Text]:
    engines = sample["engines"]
    for engine in engines[:_ENGINES_SHOWN]:
        line = Text(f"{engine['name'][:16]:<16} ", no_wrap=True, overflow="ellipsis")
        if not engine["up"]:
            line.append(f"down: {engine['reason']}", style="bold red")
        else:
            window = engine["window"]
            part = engine["in_flight"] / window if window else 0.0
            line.append(share_bar(part, None, 20 if width >= _WIDE else 12))
            line.append(f" {engine['in_flight']}/{window} in flight")
            if engine["waiting_inside"] is not None:
                line.append(f", {engine['waiting_inside']} wait inside")
            if engine["kv_used_permille"] is not None:
                line.append(f", memory {engine['kv_used_permille'] / 10:.0f} %")
        if engine["drained"]:
            line.append(", drained", style="yellow")
        if engine["circuit"] != "closed":
            line.append(f", circuit {engine['circuit']}", style="bold red")
        yield line
    if len(engines) > _ENGINES_SHOWN:
        yield Text(f"and {len(engines) - _ENGINES_SHOWN} more engines", style="dim")


def _lanes(sample: Mapping[str, Any]) -> Iterator[Text]:
    if not sample["lanes"]:
        return
    line = Text("lanes     ", no_wrap=True, overflow="ellipsis")
    for lane in sample["lanes"]:
        line.append(f"{lane['name']} ", style="bold")
        line.append(f"{lane['running']} run, {lane['queued']} wait")
        if lane["queued"]:
            line.append(f" ({duration(lane['oldest_wait_ms'])})", style="yellow")
        line.append("   ")
    yield line


def _alarm(alarm: Mapping[str, Any]) -> Text:
    return Text(f"! {alarm['what']}", style="bold red", no_wrap=True, overflow="ellipsis")


def _tenants(rows: Sequence[Row], width: int) -> Table:
    is_wide, is_very_wide = width >= _WIDE, width >= _VERY_WIDE
    table = Table(
        box=None, padding=(0, 1, 0, 0), width=width, pad_edge=False, header_style="reverse"
    )
    table.add_column("tenant", no_wrap=True, overflow="ellipsis", ratio=1, min_width=8)
    is_narrow = width < _NARROW
    headings = [
        "promised",
        "due",
        "received",
        *([] if is_narrow else [""]),
        "wait",
        "run",
        "oldest",
    ]
    headings += [] if is_narrow else ["ttft p99"]
    headings += ["token p99", "units/s"] if is_wide else []
    headings += ["weight", "units in all"] if is_very_wide else []
    for heading in headings:
        table.add_column(heading, justify="right", no_wrap=True)
    bar = 24 if is_wide else 10
    for row in rows:
        cells: list[str | Text] = [
            row.path,
            percent(row.promised),
            "-" if row.due is None else percent(row.due),
            _received(row),
            *([] if is_narrow else [share_bar(row.received, row.due, bar)]),
            _some(row.queued),
            _some(row.running),
            duration(row.oldest_wait_ms) if row.oldest_wait_ms else "",
        ]
        if not is_narrow:
            cells.append(_time(row.ttft_p99_ms))
        if is_wide:
            cells += [_time(row.inter_token_p99_ms), number(row.units_per_s)]
        if is_very_wide:
            cells += [str(row.weight), number(row.units_total)]
        table.add_row(*cells)
    return table


def _received(row: Row) -> Text:
    """Red who waits and is far below its due, yellow who is far above it."""
    style = ""
    if row.due:
        if row.queued and row.received < 0.8 * row.due:
            style = "bold red"
        elif row.received > 1.25 * row.due:
            style = "yellow"
    return Text(percent(row.received), style=style)


def _time(ms: int | None) -> str:
    return "" if ms is None else duration(ms)


def _some(count: int) -> str:
    return str(count) if count else ""


def _left_out(rows: Sequence[Row], room: int, sample: Mapping[str, Any]) -> Text:
    hidden, rest = rows[room:], sample["rest"]
    count = len(hidden) + (rest["tenants"] if rest else 0)
    if not count:
        return Text("")
    queued = sum(row.queued for row in hidden) + (rest["queued"] if rest else 0)
    received = sum(row.received for row in hidden) + (rest["received_ppm"] / PPM if rest else 0)
    tenants = "tenant" if count == 1 else "tenants"
    text = f"and {number(count)} more {tenants}: received {percent(received)}, {queued} wait"
    return Text(text, style="dim", no_wrap=True, overflow="ellipsis")


def _keys(sort: str) -> Text:
    line = Text("q quit  by: ", style="dim", no_wrap=True, overflow="ellipsis")
    for key, (name, _) in SORTS.items():
        line.append(f"{key} {name}", style="bold reverse" if key == sort else "dim")
        line.append(" ")
    return line
