"""The reader for each kind of engine."""

from collections.abc import Callable, Mapping
from typing import Final

from evenhand.engines.signals.contract import SignalReader
from evenhand.engines.signals.llamacpp_engine import LlamacppEngine
from evenhand.engines.signals.prometheus_engine import PrometheusEngine
from evenhand.engines.signals.spellings import LLAMACPP, SGLANG, TRTLLM, VLLM, Spellings
from evenhand.engines.signals.trtllm_engine import TrtllmEngine

_READERS: Final[Mapping[str, Callable[[], SignalReader]]] = {
    "vllm": lambda: PrometheusEngine(
        "vllm",
        VLLM,
        otherwise="start vLLM without --disable-log-stats, and let the gateway reach /metrics",
    ),
    "sglang": lambda: PrometheusEngine(
        "sglang", SGLANG, otherwise="start SGLang with --enable-metrics"
    ),
    "llamacpp": LlamacppEngine,
    "embedded": LlamacppEngine,
    "trtllm": TrtllmEngine,
}
SPELLINGS: Final[Mapping[str, Spellings]] = {
    "vllm": VLLM,
    "sglang": SGLANG,
    "llamacpp": LLAMACPP,
    "embedded": LLAMACPP,
    "trtllm": TRTLLM,
}


def reader_for(kind: str) -> SignalReader | None:
    """A reader of its own for an engine of that kind; None where nothing is known of what it tells."""
    make = _READERS.get(kind)
    return None if make is None else make()
