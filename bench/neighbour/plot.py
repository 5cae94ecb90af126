"""The rows as one SVG: how long the chat waits, what others get of what they are due, throughput."""

import math
from collections.abc import Iterator, Mapping
from html import escape

from bench.neighbour.rounds import Figures
from evenhand.sim.report.palette import COLOURS, GREY, see_through

_NAMES, _WAITS, _DUE, _TOKENS, _RIGHT = 200.0, 560.0, 800.0, 930.0, 990.0
_ROW, _TOP, _GAP = 27.0, 100.0, 58.0
_MS = (10.0, 20_000.0)
_PARTS = (0.0, 2.0)
_INK, _SOFT, _RULE, _PAPER = "#2b303b", "#5c6475", "#e6e5df", "#fdfdfb"
_GOOD, _BAD = COLOURS[2], COLOURS[4]
_FONT = "system-ui, -apple-system, 'Segoe UI', Roboto, 'Liberation Sans', sans-serif"
_TEXT = 12
_CAPTION = (
    (
        "Left: time to the chat's first token, alone (ring) and beside the noise (dot: median,"
        " diamond: 99th percentile), and the medians' ratio."
    ),
    (
        "Right: three tenants with full queues. What each received over what it was due, least to most"
        " among windows of ten longest requests each; 1 is fair."
    ),
)


def svg(engines: Mapping[str, Mapping[str, Figures]]) -> str:
    """`engines`: rows by arm, by the engine's name for people."""
    height = _TOP + sum(_GAP + _ROW * len(rows) for rows in engines.values()) + 6
    parts = list(_heading(height))
    top = _TOP
    for engine, rows in engines.items():
        parts += _block(engine, rows, top)
        top += _GAP + _ROW * len(rows)
    body = "\n".join(parts)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_RIGHT:g} {height:g}"'
        f' width="{_RIGHT:g}" height="{height:g}" font-family="{_FONT}" font-size="{_TEXT}"'
        f' fill="{_INK}">\n{body}\n</svg>\n'
    )


def _heading(height: float) -> Iterator[str]:
    yield f'<rect width="{_RIGHT:g}" height="{height:g}" rx="8" fill="{_PAPER}"/>'
    yield _text(20, 32, "A chat beside 64 requests of a noisy tenant", size=18, weight=600)
    for line, said in enumerate(_CAPTION):
        yield _text(20, 54 + 17 * line, said, colour=_SOFT)


def _block(engine: str, rows: Mapping[str, Figures], top: float) -> Iterator[str]:
    bottom = top + 22 + _ROW * len(rows)
    yield _text(20, top + 8, engine, size=13, weight=600)
    yield _text(_WAITS, top + 8, "first token", colour=_SOFT, anchor="end")
    yield _text(_DUE, top + 8, "received / due", colour=_SOFT, anchor="end")
    yield _text(_RIGHT - 20, top + 8, "tokens/s of direct", colour=_SOFT, anchor="end")
    for ms in (10, 100, 1_000, 10_000):
        yield _line(_of_ms(ms), top + 18, _of_ms(ms), bottom, _RULE)
        yield _text(_of_ms(ms), bottom + 14, _wait(ms), colour=_SOFT, anchor="middle", size=11)
    for part in (0, 0.5, 1, 1.5, 2):
        is_fair = part == 1
        yield _line(_of_part(part), top + 18, _of_part(part), bottom, GREY if is_fair else _RULE)
        yield _text(
            _of_part(part), bottom + 14, f"{part:g}", colour=_SOFT, anchor="middle", size=11
        )
    for number, (arm, row) in enumerate(rows.items()):
        yield from _arm(arm, row, top + 34 + _ROW * number)


def _arm(arm: str, row: Figures, y: float) -> Iterator[str]:
    yield _text(20, y + 4, arm)
    alone, p50, p99 = (row[name] for name in ("alone_p50_ms", "beside_p50_ms", "beside_p99_ms"))
    colour = COLOURS[0]
    yield _line(_of_ms(alone), y, _of_ms(p50), y, see_through(colour, 0.35), width=5)
    yield _line(_of_ms(p50), y, _of_ms(p99), y, see_through(colour, 0.75), width=1.5)
    ring = f'fill="{_PAPER}" stroke="{GREY}" stroke-width="1.5"'
    yield f'<circle cx="{_of_ms(alone):.1f}" cy="{y:g}" r="4" {ring}/>'
    yield f'<circle cx="{_of_ms(p50):.1f}" cy="{y:g}" r="5" fill="{colour}"/>'
    x = _of_ms(p99)
    yield f'<path d="M{x - 4:.1f} {y:g}l4 -4 4 4 -4 4z" fill="{colour}"/>'
    ratio = row["ratio"]
    told = f"{ratio:.0f}x" if ratio >= 20 else f"{ratio:.1f}x"
    yield _text(_WAITS, y + 4, told, weight=600, anchor="end")
    low, high = row.get("over_due_min"), row.get("over_due_max")
    if low is not None and high is not None:
        tint = _GOOD if low >= 0.9 else _BAD
        yield _line(
            _of_part(low), y, _of_part(min(high, _PARTS[1])), y, see_through(tint, 0.75), width=7
        )
        yield _text(_DUE, y + 4, f"{low:.2f}", anchor="end", colour=tint, weight=600)
    tokens = row.get("tokens_over_direct")
    if tokens is not None:
        yield _text(_RIGHT - 20, y + 4, f"{tokens:.2f}", anchor="end")


def _of_ms(ms: float) -> float:
    low, high = (math.log(end) for end in _MS)
    part = (math.log(min(max(ms, _MS[0]), _MS[1])) - low) / (high - low)
    return _NAMES + part * (_WAITS - 50 - _NAMES)


def _of_part(part: float) -> float:
    return _WAITS + 30 + (part - _PARTS[0]) / (_PARTS[1] - _PARTS[0]) * (_DUE - _WAITS - 80)


def _wait(ms: float) -> str:
    return f"{ms:g} ms" if ms < 1000 else f"{ms / 1000:g} s"


def _line(x1: float, y1: float, x2: float, y2: float, colour: str, *, width: float = 1) -> str:
    return (
        f'<line x1="{x1:.1f}" y1="{y1:g}" x2="{x2:.1f}" y2="{y2:g}" stroke="{colour}"'
        f' stroke-width="{width:g}" stroke-linecap="round"/>'
    )


def _text(
    x: float,
    y: float,
    text: str,
    *,
    colour: str = _INK,
    size: int = _TEXT,
    weight: int = 400,
    anchor: str = "start",
) -> str:
    return (
        f'<text x="{x:.1f}" y="{y:g}" fill="{colour}" font-size="{size}" font-weight="{weight}"'
        f' text-anchor="{anchor}">{escape(text)}</text>'
    )
