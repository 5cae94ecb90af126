"""Engines that tell everything on one page in Prometheus' format: vLLM and SGLang."""

from typing import Final

from evenhand.engines.signals.contract import Ask, body_of
from evenhand.engines.signals.metrics_page import read_metrics, refuse_foreign
from evenhand.engines.signals.reading import Reading
from evenhand.engines.signals.spellings import Spellings

METRICS: Final = "/metrics"


class PrometheusEngine:
    """See SignalReader. `otherwise`: what to do where there is no such page."""

    def __init__(self, kind: str, spellings: Spellings, *, otherwise: str) -> None:
        self._kind = kind
        self._spellings = spellings
        self._otherwise = otherwise

    async def read(self, ask: Ask) -> Reading:
        """See SignalReader."""
        body = body_of(await ask(METRICS), METRICS, otherwise=self._otherwise)
        reading = read_metrics(body, self._spellings)
        refuse_foreign(reading, body, self._kind)
        return reading
