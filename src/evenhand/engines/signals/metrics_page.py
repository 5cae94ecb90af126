"""A page in Prometheus' text format, read with the spellings of one kind of engine."""

from typing import Any, Final

from evenhand.engines.signals.contract import NotOfferedError
from evenhand.engines.signals.prometheus_text import samples
from evenhand.engines.signals.reading import Reading
from evenhand.engines.signals.spellings import COUNTERS, Spellings
from evenhand.model import EngineReport

_STARTED: Final = "process_start_time_seconds"
_PERMILLE_SLACK: Final = 50
"""An engine that shares blocks or rounds may say a little more than all; more is another unit."""
PREFIXES: Final = {
    "vllm": b"\nvllm:",
    "sglang": b"\nsglang:",
    "llamacpp": b"\nllamacpp:",
    "trtllm": b"\ntrtllm_",
}
"""How the names of each kind of engine begin."""


def read_metrics(page: bytes, spellings: Spellings) -> Reading:
    """All that the page tells. Never raises, whatever the page."""
    names = {spelling.name for ways in spellings.values() for spelling in ways}
    told = samples(page, [*names, _STARTED])
    values: dict[str, Any] = {}
    found = {}
    counters = {}
    for field, ways in spellings.items():
        for spelling in ways:
            figure = spelling.figure(told.get(spelling.name, ()))
            if figure is not None and (field != "kv_used_permille" or _is_permille(figure)):
                values[field] = min(figure, 1000) if field == "kv_used_permille" else figure
                found[field] = spelling.name
                if field in COUNTERS:
                    counters[spelling.name] = figure
                break
    started = told.get(_STARTED, ())
    return Reading(
        report=EngineReport(**values),
        found=found,
        counters=counters,
        started_s=max((sample.value for sample in started), default=None),
    )


def foreign_kind(page: bytes, kind: str) -> str | None:
    """The kind of engine whose names are on the page, if they are those of another than `kind`."""
    text = b"\n" + page
    told = [other for other, prefix in PREFIXES.items() if prefix in text]
    return told[0] if told and kind not in told else None


def refuse_foreign(reading: Reading, page: bytes, kind: str) -> None:
    """Raises NotOfferedError where nothing was found because it is an engine of another kind."""
    other = None if reading.found else foreign_kind(page, kind)
    if other is not None:
        raise NotOfferedError(
            f"its metrics are those of {other}, not of {kind}: write `kind: {other}`"
        )


def _is_permille(figure: int) -> bool:
    return figure <= 1000 + _PERMILLE_SLACK
