"""Figures as people read them."""

_MINUTE_S, _HOUR_S, _DAY_S = 60, 3_600, 86_400
_DURATIONS = (
    (0.9995, 0.001, "{:.0f} ms"),
    (9.95, 1, "{:.1f} s"),
    (3 * _MINUTE_S, 1, "{:.0f} s"),
    (2 * _HOUR_S, _MINUTE_S, "{:.1f} min"),
    (2 * _DAY_S, _HOUR_S, "{:.1f} h"),
)
NONE = "-"


def duration(seconds: float | None) -> str:
    """As "8 ms", "4.9 s", "97 s", "12.5 min" or "7.1 h"."""
    if seconds is None:
        return NONE
    for below_s, unit_s, form in _DURATIONS:
        if seconds < below_s:
            return form.format(seconds / unit_s)
    return f"{seconds / _DAY_S:.1f} days"


def count(number: float | None) -> str:
    """As "9,554", "145k" or "1.30M"."""
    if number is None:
        return NONE
    if number < 100_000:
        return f"{number:,.0f}"
    if number < 1_000_000:
        return f"{number / 1000:.0f}k"
    if number < 1e9:
        return f"{number / 1e6:.2f}M"
    return f"{number / 1e9:.2f}G"


def percent(part: float | None) -> str:
    """Of a part of 1: "0.4 %", "33 %"."""
    if part is None:
        return NONE
    value = part * 100
    return f"{value:.1f} %" if 0 < value < 9.95 else f"{value:.0f} %"


def index(value: float | None) -> str:
    """Of Jain."""
    return NONE if value is None else f"{value:.3f}"


def times(ratio: float) -> str:
    """A ratio in words: "2.1 times", "1/20"."""
    if ratio >= 1:
        return f"{ratio:.1f} times" if ratio < 10 else f"{ratio:,.0f} times"
    return f"1/{1 / ratio:.1f}" if ratio > 0.1 else f"1/{1 / ratio:,.0f}"
