"""llama.cpp: `/metrics` where it is switched on, else its slots; `/props` says how many there are."""

from dataclasses import replace
from typing import Any, Final

from evenhand.engines.signals.contract import Ask, NotOfferedError, body_of
from evenhand.engines.signals.json_page import count, rows, table
from evenhand.engines.signals.metrics_page import read_metrics, refuse_foreign
from evenhand.engines.signals.reading import Reading
from evenhand.engines.signals.spellings import LLAMACPP
from evenhand.model import EngineReport

_METRICS: Final = "/metrics"
_SLOTS: Final = "/slots"
_PROPS: Final = "/props"
_OTHERWISE: Final = "start llama-server with --metrics, or with --slots"


_READINGS_UNTIL_METRICS: Final = 120
"""Slots are read so often before metrics are tried again: it may be another process by then."""


class LlamacppEngine:
    """See SignalReader. The number of slots is asked for once in a life of the engine."""

    def __init__(self) -> None:
        self._until_metrics = 0
        self._asked_slots = False
        self._slots: int | None = None
        self._output_tokens = 0

    async def read(self, ask: Ask) -> Reading:
        """See SignalReader."""
        if self._until_metrics == 0:
            page = await ask(_METRICS)
            if not page.is_missing:
                return await self._of_metrics(body_of(page, _METRICS, otherwise=_OTHERWISE), ask)
            self._until_metrics = _READINGS_UNTIL_METRICS
        self._until_metrics -= 1
        try:
            return await self._of_slots(ask)
        except NotOfferedError:
            self._until_metrics = 0
            raise

    async def _of_metrics(self, body: bytes, ask: Ask) -> Reading:
        reading = read_metrics(body, LLAMACPP)
        refuse_foreign(reading, body, "llamacpp")
        report, found = reading.report, dict(reading.found)
        if report.input_tokens is not None:
            # Older ones do not tell the cached ones apart, and so not how many there are in all.
            cached = report.cached_input_tokens
            total = None if cached is None else report.input_tokens + cached
            report = replace(report, input_tokens=total)
            if total is None:
                del found["input_tokens"]
        before, self._output_tokens = self._output_tokens, report.output_tokens or 0
        if not self._asked_slots or self._output_tokens < before:
            self._slots = await self._total_slots(ask)
            self._asked_slots = True
        if self._slots is not None:
            report = replace(report, slots=self._slots)
            found["slots"] = f"{_PROPS} total_slots"
        return replace(reading, report=report, found=found)

    async def _of_slots(self, ask: Ask) -> Reading:
        """What waits is not told here."""
        page = await ask(_SLOTS)
        slots = rows(body_of(page, _SLOTS, otherwise=_OTHERWISE), _SLOTS)
        told = [slot.get("is_processing") for slot in slots]
        values: dict[str, Any] = {}
        found: dict[str, str] = {}
        if told and all(isinstance(is_processing, bool) for is_processing in told):
            values = {"running": told.count(True), "slots": len(told)}
            found = {"running": f"{_SLOTS} is_processing", "slots": _SLOTS}
        return Reading(report=EngineReport(**values), found=found)

    async def _total_slots(self, ask: Ask) -> int | None:
        page = await ask(_PROPS)
        if page.status != 200:
            return None
        return count(table(page.body, _PROPS), "total_slots")
