"""TensorRT-LLM: `/prometheus/metrics` in newer versions, else the statistics of its last iteration.

Whoever asks for the statistics takes them away from everybody else who asks, so they are left alone
where the other page tells enough.
"""

from typing import Any, Final

from evenhand.engines.signals.contract import Ask, body_of
from evenhand.engines.signals.json_page import count, rows
from evenhand.engines.signals.metrics_page import read_metrics
from evenhand.engines.signals.reading import Reading
from evenhand.engines.signals.spellings import TRTLLM
from evenhand.model import EngineReport

_PROMETHEUS: Final = "/prometheus/metrics"
_STATISTICS: Final = "/metrics"
_OTHERWISE: Final = (
    "start trtllm-serve with return_perf_metrics: true and enable_iter_perf_stats: true in its"
    " configuration file"
)


class TrtllmEngine:
    """See SignalReader."""

    def __init__(self) -> None:
        self._last = Reading()

    async def read(self, ask: Ask) -> Reading:
        """See SignalReader."""
        page = await ask(_PROMETHEUS)
        if not page.is_missing:
            reading = read_metrics(body_of(page, _PROMETHEUS, otherwise=_OTHERWISE), TRTLLM)
            if "running" in reading.found and "waiting" in reading.found:
                return reading
        page = await ask(_STATISTICS)
        iterations = rows(body_of(page, _STATISTICS, otherwise=_OTHERWISE), _STATISTICS)
        if iterations:
            self._last = _of_iteration(iterations[-1])
            return self._last
        # No iteration since the last time: what does not change is still so, what does is not told.
        return _settings_of(self._last)


def _of_iteration(iteration: dict[str, Any]) -> Reading:
    cache = iteration.get("kvCacheStats")
    cache = cache if isinstance(cache, dict) else {}
    told = {
        "running": (count(iteration, "numActiveRequests"), "numActiveRequests"),
        "waiting": (count(iteration, "numQueuedRequests"), "numQueuedRequests"),
        "slots": (count(iteration, "maxNumActiveRequests"), "maxNumActiveRequests"),
        "block_tokens": (count(cache, "tokensPerBlock"), "kvCacheStats.tokensPerBlock"),
        "blocks": (count(cache, "maxNumBlocks"), "kvCacheStats.maxNumBlocks"),
    }
    used, blocks = count(cache, "usedNumBlocks"), told["blocks"][0]
    if used is not None and blocks:
        told["kv_used_permille"] = (min(1000, used * 1000 // blocks), "kvCacheStats.usedNumBlocks")
    return Reading(
        report=EngineReport(**{field: value for field, (value, _) in told.items()}),
        found={
            field: f"{_STATISTICS} {name}"
            for field, (value, name) in told.items()
            if value is not None
        },
    )


def _settings_of(last: Reading) -> Reading:
    report = EngineReport(
        slots=last.report.slots, block_tokens=last.report.block_tokens, blocks=last.report.blocks
    )
    found = {
        field: name for field, name in last.found.items() if getattr(report, field) is not None
    }
    return Reading(report=report, found=found, whole=False)
