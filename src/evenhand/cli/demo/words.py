"""Figures as people read them."""

from evenhand.cli.demo.quantile import Quantile

_MS_MAX = 9_999.5


def wait(seconds: float | None) -> str:
    """A waiting time: "57 ms", "5.71 s", "-" if there is none."""
    if seconds is None:
        return "-"
    return f"{seconds * 1000:.0f} ms" if seconds < 1 else f"{seconds:.2f} s"


def interval(quantile: Quantile | None) -> str:
    """A waiting time in ms with its interval, "57 (51-66)"; an open end is a question mark.

    From ten seconds on it is in seconds, and says so: "15.2s (14.9-17.4)".
    """
    if quantile is None:
        return "-"
    in_seconds = quantile.value * 1000 > _MS_MAX

    def number(seconds: float) -> str:
        return f"{seconds:.1f}" if in_seconds else str(round(seconds * 1000))

    low, high = ("?" if end is None else number(end) for end in (quantile.low, quantile.high))
    return f"{number(quantile.value)}{'s' if in_seconds else ''} ({low}-{high})"


def gap(seconds: float) -> str:
    """A time without service in four characters or less, up to 999 s."""
    return f"{seconds:.2f}" if seconds < 9.995 else f"{seconds:.1f}"


def count(number: int) -> str:
    """A large count, in thousands from ten thousand on: "9554", "145k"."""
    return str(number) if number < 10_000 else f"{number / 1000:.0f}k"
