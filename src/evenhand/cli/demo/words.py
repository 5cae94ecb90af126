"""Figures as people read them."""

from evenhand.cli.demo.quantile import Quantile

_MS_MAX = 9_999.5


def wait(seconds: float | None) -> str:
    """A waiting time: "57 ms", "5.71 s", "-" if there is none."""
    if seconds is None:
        return "-"
    return f"{seconds * 1000:.0f} ms" if seconds < 1 else f"{seconds:.2f} s"


def interval(quantile: Quantile | None) -> str:
    """A waiting time in ms with its interval, "57 (51-66)"; an open end is a question mark."""
    if quantile is None:
        return "-"
    ends = (quantile.low, quantile.high)
    value = round(quantile.value * 1000)
    low, high = ("?" if end is None else str(round(end * 1000)) for end in ends)
    return f"{value} ({low}-{high})"
