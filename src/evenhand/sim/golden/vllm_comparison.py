"""A measured vLLM log beside its replay: order, latency, preemption."""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from evenhand.sim.engine_log.replay import Replay
from evenhand.sim.engine_log.timestamps import Timestamps
from evenhand.sim.golden.agreement import Errors, OrderAgreement, errors, order_agreement
from evenhand.sim.golden.slow_answers import slow_answers


class Latency(NamedTuple):
    """Errors per request; the time per token is of those that have a second one."""

    ttft: Errors
    end_to_end: Errors
    time_per_token: Errors

    def document(self) -> dict[str, dict[str, float]]:
        """For JSON."""
        return {name: found._asdict() for name, found in self._asdict().items()}


class Preemption(NamedTuple):
    """Requests that stood still (see `slow_answers`): in the measured log, in the simulated one, and in
    both; and what the simulator itself knows."""

    measured_slow: int
    simulated_slow: int
    slow_in_both: int
    simulated_preempted: int
    simulated_preemptions: int


class Comparison(NamedTuple):
    """Of the requests of a log, or of those of a part."""

    requests: int
    first_tokens: OrderAgreement
    ends: OrderAgreement
    latency: Latency
    makespan_error: float
    preemption: Preemption


def latency(measured: Sequence[Timestamps], simulated: Sequence[Timestamps]) -> Latency:
    """How far simulated latencies are from the measured ones."""

    def of(duration: Callable[[Timestamps], float]) -> Errors:
        return errors([duration(m) for m in measured], [duration(s) for s in simulated])

    return Latency(
        ttft=of(lambda each: each.first_token_ms - each.arrived_ms),
        end_to_end=of(lambda each: each.ended_ms - each.arrived_ms),
        time_per_token=of(lambda each: each.ended_ms - each.first_token_ms),
    )


def compare(log: Sequence[Timestamps], replayed: Replay, part: slice) -> Comparison:
    """The whole was replayed; `part` of it is compared. ValueError: it is empty."""
    measured, simulated = log[part], replayed.log[part]
    if not measured:
        raise ValueError(f"of the log's {len(log)} requests none is left to compare")
    measured_slow, simulated_slow = slow_answers(log)[part], slow_answers(replayed.log)[part]
    ended_ms = max(each.ended_ms for each in measured)
    preempted = replayed.preempted[part]
    return Comparison(
        requests=len(measured),
        first_tokens=order_agreement(
            [each.first_token_ms for each in measured], [each.first_token_ms for each in simulated]
        ),
        ends=order_agreement(
            [each.ended_ms for each in measured], [each.ended_ms for each in simulated]
        ),
        latency=latency(measured, simulated),
        makespan_error=max(each.ended_ms for each in simulated) / ended_ms - 1,
        preemption=Preemption(
            measured_slow=sum(measured_slow),
            simulated_slow=sum(simulated_slow),
            slow_in_both=sum(m and s for m, s in zip(measured_slow, simulated_slow, strict=True)),
            simulated_preempted=sum(count > 0 for count in preempted),
            simulated_preemptions=sum(preempted),
        ),
    )


def as_document(comparison: Comparison) -> dict[str, Any]:
    """For JSON."""
    return {
        "requests": comparison.requests,
        "order": {
            "first_tokens": comparison.first_tokens._asdict(),
            "ends": comparison.ends._asdict(),
        },
        "latency": comparison.latency.document(),
        "makespan_error": comparison.makespan_error,
        "preemption": comparison.preemption._asdict(),
    }
