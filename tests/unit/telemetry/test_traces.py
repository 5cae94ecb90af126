"""Which traces are sampled, and what a full queue does."""

import random
from collections.abc import Sequence
from threading import Event

import pytest

from evenhand.telemetry.traces import Ended, TraceContext, Traces, continued
from evenhand.telemetry.traces.context import sample_bound
from evenhand.telemetry.traces.traces import BATCH_MAX
from support.ended_request import ended_request

TRACE, SPAN = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
ALL = sample_bound(100)


def bits(number: int) -> int:
    return random.Random(7).getrandbits(number)


def test_the_clients_trace_goes_on() -> None:
    context = continued(f"00-{TRACE}-{SPAN}-01", bits, ALL)
    assert (context.trace, context.parent) == (int(TRACE, 16), int(SPAN, 16))
    assert context.for_engine == f"00-{TRACE}-{context.at_engine:016x}-01"
    # A later version may have more fields.
    assert continued(f"01-{TRACE}-{SPAN}-01-more", bits, ALL).trace == int(TRACE, 16)


@pytest.mark.parametrize(
    "text",
    [
        None,
        "",
        "x",
        f"00-{TRACE}-{SPAN}",
        f"ff-{TRACE}-{SPAN}-01",
        f"00-{'0' * 32}-{SPAN}-01",
        f"00-{TRACE}-{'0' * 16}-01",
        f"00-{TRACE.upper()}-{SPAN}-01",
        f"00-{TRACE}-{SPAN}-01\n",
        f"00-{TRACE}-{SPAN}-0g",
    ],
)
def test_what_is_no_trace_begins_a_new_one(text: str | None) -> None:
    context = continued(text, bits, ALL)
    assert context.trace not in (0, int(TRACE, 16))
    assert context.parent == 0


def test_sampling_is_by_the_traces_end_and_no_client_decides_it() -> None:
    draw = random.Random(3)
    sampled = [continued(None, draw.getrandbits, sample_bound(25)).is_sampled for _ in range(4_000)]
    assert 900 < sum(sampled) < 1_100
    assert not continued(f"00-{TRACE}-{SPAN}-01", bits, 0).is_sampled
    again = [continued(f"00-{TRACE}-{SPAN}-00", bits, sample_bound(50)) for _ in range(9)]
    assert len({context.is_sampled for context in again}) == 1


class Held:
    """An export that waits until it may."""

    def __init__(self) -> None:
        self.may = Event()
        self.batches: list[int] = []

    def send(self, batch: Sequence[Ended]) -> bool:
        self.may.wait(10)
        self.batches.append(len(batch))
        return True


def test_a_full_queue_drops_and_counts_and_never_waits() -> None:
    export = Held()
    traces = Traces(export, sample_percent=100, queue_max=500)
    for _ in range(600):
        traces.ended(ended_request(), traces.begin(None), None)
    assert traces.dropped == 100
    unsampled = TraceContext(1, 0, 2, 3, is_sampled=False)
    traces.ended(ended_request(), unsampled, None)
    assert traces.dropped == 100, "what is not sampled is not missed"
    export.may.set()
    traces.start()
    assert traces.close()
    assert export.batches == [BATCH_MAX, 500 - BATCH_MAX]
    assert traces.exported == 500
