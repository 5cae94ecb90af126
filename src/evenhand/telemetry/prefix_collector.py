"""How right beliefs about prefix caches are, read when Prometheus asks."""

from collections.abc import Callable, Iterator, Mapping

from prometheus_client.core import CounterMetricFamily, Metric
from prometheus_client.registry import Collector

from evenhand.model import EngineName
from evenhand.scheduling.prefixes import Prefixes

Heard = Mapping[EngineName, Mapping[str, int]]
"""How often what was heard of each engine's KV events."""


class PrefixCollector(Collector):
    """Register it once, where the policy compares prompts. Series are bounded by the engines, the causes
    and the kinds of events. `tokenised` is how many prompts became tokens, by what came of it."""

    def __init__(
        self,
        prefixes: Prefixes,
        *,
        heard: Callable[[], Heard],
        tokenised: Callable[[], Mapping[str, int]],
    ) -> None:
        self._prefixes = prefixes
        self._heard = heard
        self._tokenised = tokenised

    def collect(self) -> Iterator[Metric]:
        """See Collector."""
        believed = CounterMetricFamily(
            "evenhand_prefix_believed_tokens",
            "Input tokens believed to be cached, of prompts of which the engine has said how much was.",
            labels=["engine"],
        )
        reported = CounterMetricFamily(
            "evenhand_prefix_reported_tokens",
            "Input tokens of the same prompts that the engine has reported as cached.",
            labels=["engine"],
        )
        corrections = CounterMetricFamily(
            "evenhand_prefix_corrections",
            "How often an engine was found to hold less than believed, by how that was found.",
            labels=["engine", "cause"],
        )
        for name, cache in self._prefixes.caches.items():
            believed.add_metric([name], cache.believed_tokens)
            reported.add_metric([name], cache.reported_tokens)
            for cause, count in cache.corrections.items():
                corrections.add_metric([name, cause], count)
        events = CounterMetricFamily(
            "evenhand_prefix_events",
            "What was heard of an engine's KV events, and what was wrong with them.",
            labels=["engine", "what"],
        )
        for name, counts in self._heard().items():
            for what, count in counts.items():
                events.add_metric([name, what], count)
        tokenised = CounterMetricFamily(
            "evenhand_prefix_tokenised",
            "Prompts of models with a tokenizer, by whether they are compared as tokens.",
            labels=["result"],
        )
        for result, count in self._tokenised().items():
            tokenised.add_metric([result], count)
        yield from (believed, reported, corrections, events, tokenised)
