"""Picks the figures it is asked for out of a page in Prometheus' text format.

Such a page has hundreds of lines, of which ours are a dozen, and it is read twice a second on the loop
that relays tokens: lines that nobody asked for are never looked at. Nothing on a page is trusted.
"""

import re
from collections.abc import Iterable, Mapping
from typing import Final, NamedTuple

LINE_BYTES_MAX: Final = 16_384
LINES_MAX: Final = 1_024
"""That begin with one name. A name with more is left out whole: a part of a sum is a wrong sum."""

_LABEL = re.compile(rb'[ \t]*([A-Za-z_][A-Za-z0-9_]*)[ \t]*=[ \t]*"([^"\\]*(?:\\.[^"\\]*)*)"[ \t]*')
_NUMBER = re.compile(
    rb"[+-]?(?:[0-9]{1,40}(?:\.[0-9]{0,40})?|\.[0-9]{1,40})(?:[eE][+-]?[0-9]{1,4})?"
)


class Sample(NamedTuple):
    """One line: its labels, with their values as written, backslashes and all, and its value."""

    labels: Mapping[str, str]
    value: float


def samples(page: bytes, names: Iterable[str]) -> dict[str, list[Sample]]:
    """The samples of each of the `names` that the page has; a name that it has not is no key.

    Never raises, whatever the page. A line that is not in the format is no sample, nor is one whose
    value is no finite number. Of equal lines the last counts.
    """
    text = b"\n" + page
    found = {}
    for name in names:
        series = _series(text, name.encode())
        if series:
            found[name] = [Sample(dict(labels), value) for labels, value in series.items()]
    return found


def _series(text: bytes, name: bytes) -> dict[tuple[tuple[str, str], ...], float]:
    mark = b"\n" + name
    series: dict[tuple[tuple[str, str], ...], float] = {}
    lines = 0
    at = text.find(mark)
    while at >= 0:
        lines += 1
        if lines > LINES_MAX:
            return {}
        start = at + len(mark)
        end = text.find(b"\n", start, start + LINE_BYTES_MAX)
        if end < 0:
            end = min(len(text), start + LINE_BYTES_MAX)
        # A line that is too long is none: cut off, it would tell another value.
        is_whole = text[end : end + 1] in (b"\n", b"")
        sample = _sample(text[start:end]) if is_whole else None
        if sample is not None:
            series[sample[0]] = sample[1]
        at = text.find(mark, end)
    return series


def _sample(rest: bytes) -> tuple[tuple[tuple[str, str], ...], float] | None:
    """What follows the name on a line. A name that merely begins with ours is none of ours."""
    labels: list[tuple[str, str]] = []
    if rest[:1] == b"{":
        parsed = _labels(rest)
        if parsed is None:
            return None
        labels, rest = parsed
    elif rest[:1] not in (b" ", b"\t"):
        return None
    words = rest.split(None, 1)
    if not words or not _NUMBER.fullmatch(words[0]):
        return None
    value = float(words[0])
    if value in (float("inf"), float("-inf")):
        return None
    return tuple(sorted(labels)), value


def _labels(rest: bytes) -> tuple[list[tuple[str, str]], bytes] | None:
    """The labels, and what follows their closing brace."""
    labels = []
    at = 1
    while rest[at : at + 1] != b"}":
        match = _LABEL.match(rest, at)
        if match is None:
            return None
        name, value = match.groups()
        labels.append((name.decode(), value.decode(errors="replace")))
        at = match.end()
        if rest[at : at + 1] == b",":
            at += 1
            # A comma may also end the list.
            while rest[at : at + 1] in (b" ", b"\t"):
                at += 1
        elif rest[at : at + 1] != b"}":
            return None
    return labels, rest[at + 1 :]
