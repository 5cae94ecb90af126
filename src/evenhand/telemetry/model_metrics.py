"""What is counted per model."""

from evenhand.model import Outcome
from evenhand.telemetry.histogram import SecondsHistogram
from evenhand.telemetry.record import RequestRecord

_QUEUE_WAIT_S = (0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300)
_TTFT_S = (0.01, 0.025, 0.05, 0.1, 0.2, 0.3, 0.5, 0.75, 1, 1.5, 2.5, 5, 7.5, 10, 20, 40, 80, 160)


class ModelMetrics:
    """Counters of one model label. Only grows. Use from the loop's thread."""

    __slots__ = (
        "cached_input_tokens",
        "input_tokens",
        "output_tokens",
        "queue_wait",
        "requests",
        "ttft",
    )

    def __init__(self) -> None:
        self.requests = dict.fromkeys(Outcome, 0)
        self.queue_wait = SecondsHistogram(_QUEUE_WAIT_S)
        self.ttft = SecondsHistogram(_TTFT_S)
        self.input_tokens = 0
        """Those that were not cached, so that the three kinds add up."""
        self.cached_input_tokens = 0
        self.output_tokens = 0

    def ended(self, record: RequestRecord) -> None:
        """Count an ended request; the tokens' times were counted as they came."""
        self.requests[record["outcome"]] += 1
        queue_wait_ms, ttft_ms = record["queue_wait_ms"], record["ttft_ms"]
        if queue_wait_ms is not None:
            self.queue_wait.observe(queue_wait_ms / 1000)
        if ttft_ms is not None:
            self.ttft.observe(ttft_ms / 1000)
        cached = record["cached_input_tokens"]
        self.input_tokens += record["input_tokens"] - cached
        self.cached_input_tokens += cached
        self.output_tokens += record["output_tokens"]
