"""Figures as a narrow column wants them."""


def duration(ms: float) -> str:
    """Three digits and a unit."""
    if ms < 1_000:
        return f"{ms:.0f} ms"
    if ms < 100_000:
        return f"{ms / 1_000:.1f} s"
    if ms < 6_000_000:
        return f"{ms / 60_000:.0f} min"
    return f"{ms / 3_600_000:.0f} h"


def number(value: float) -> str:
    """Three or four digits, then k, M, G."""
    for unit, scale in (("G", 1e9), ("M", 1e6), ("k", 1e3)):
        scaled = value / scale
        if scaled >= 9.9995:
            return f"{scaled:.0f} {unit}" if scaled >= 100 else f"{scaled:.1f} {unit}"
    return f"{value:.0f}"


def percent(part: float) -> str:
    """Of a whole; with a decimal where it is small."""
    return f"{part * 100:.0f} %" if part >= 0.0995 or not part else f"{part * 100:.1f} %"


def share_bar(part: float, due: float | None, width: int) -> str:
    """A bar for the part, with a mark at what was due."""
    filled = min(width, round(max(0.0, part) * width))
    bar = ["█"] * filled + ["░"] * (width - filled)
    if due:
        bar[min(width - 1, max(0, round(due * width) - 1))] = "┃"
    return "".join(bar)
