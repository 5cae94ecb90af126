"""Events over real ZMQ sockets: order, gaps, replay, restarts, rubbish."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import pytest
import uvloop

from evenhand.engines.kv_events import KvEndpoints, KvEventsWatch
from evenhand.engines.kv_events.packed_tokens import packed
from support.kv_events import Heard, Publisher, cleared, removed, stored


async def eventually(condition: Callable[[], object]) -> None:
    """ZMQ's own threads bring what comes."""
    async with asyncio.timeout(20):
        while not condition():  # noqa: ASYNC110 - see the docstring
            await asyncio.sleep(0.005)


@asynccontextmanager
async def watched(
    publisher: Publisher, *, replays: bool = True, vocabulary: int | None = 100
) -> AsyncIterator[Heard]:
    heard = Heard()
    endpoints = KvEndpoints(events=publisher.endpoint, replay=publisher.replay if replays else None)
    watch = KvEventsWatch(endpoints, heard, vocabulary=vocabulary)
    watch.start()
    try:
        await asyncio.to_thread(publisher.subscribed)
        if replays:
            await eventually(lambda: publisher.asked_from)
        yield heard
    finally:
        await watch.stop()
        publisher.close()


def blocks(heard: Heard) -> list[bytes]:
    return [tokens for tokens, _ in heard.stored]


@pytest.mark.parametrize("topic_in_replay", [True, False])
def test_what_was_stored_before_is_asked_for_and_a_gap_is_filled(*, topic_in_replay: bool) -> None:
    async def main() -> None:
        publisher = Publisher(topic_in_replay=topic_in_replay)
        publisher.publish(stored([1], [1, 2]))
        async with watched(publisher) as heard:
            await eventually(lambda: len(heard.stored) == 1)
            publisher.publish(stored([2], [3, 4], parent=1), is_lost=True)
            publisher.publish(removed([1]), is_lost=True)
            publisher.publish(stored([3], [5, 6], parent=2))
            await eventually(lambda: len(heard.stored) == 3)
            assert publisher.asked_from == [0, 1]
            assert blocks(heard)[-1] == packed([1, 2, 3, 4, 5, 6])
            assert heard.removed == [(packed([1, 2]), None)]
            assert heard.held[-1] == 4, "all is known from the first batch on"
            assert heard.events == []

    uvloop.run(main())


def test_a_gap_that_cannot_be_filled_is_said_and_what_was_known_counts_no_more() -> None:
    async def main() -> None:
        publisher = Publisher()
        async with watched(publisher, replays=False) as heard:
            publisher.publish(stored([1], [1, 2]))
            publisher.publish(stored([2], [3, 4], parent=1), is_lost=True)
            publisher.publish(stored([3], [5, 6], parent=2))
            publisher.publish(stored([4], [7, 8]), removed([4]))
            await eventually(lambda: heard.removed)
            assert heard.events == [("gap", {"missed": 1})]
            assert blocks(heard) == [packed([1, 2]), packed([7, 8])]
            assert heard.held == [], "nobody knows how much is held"

    uvloop.run(main())


def test_a_gap_longer_than_the_engines_buffer_is_said() -> None:
    async def main() -> None:
        publisher = Publisher(buffered=2)
        async with watched(publisher) as heard:
            publisher.publish(stored([1], [1, 2]))
            await eventually(lambda: heard.stored)
            for number in range(2, 6):
                publisher.publish(stored([number], [number, 2]), is_lost=True)
            publisher.publish(stored([6], [6, 2]))
            await eventually(lambda: len(heard.stored) == 3)
            assert heard.events == [("gap", {"missed": 3})]
            assert blocks(heard)[1:] == [packed([5, 2]), packed([6, 2])]

    uvloop.run(main())


def test_of_an_engine_that_ran_before_no_gap_is_said() -> None:
    async def main() -> None:
        publisher = Publisher(buffered=1)
        for number in range(3):
            publisher.publish(stored([number], [number, 2]))
        async with watched(publisher) as heard:
            publisher.publish(removed([2]))
            await eventually(lambda: heard.removed)
            assert (heard.events, heard.held) == ([], [])

    uvloop.run(main())


def test_an_engine_that_counts_from_the_beginning_holds_nothing() -> None:
    async def main() -> None:
        publisher = Publisher()
        async with watched(publisher) as heard:
            for number in range(3):
                publisher.publish(stored([number], [number, 2]))
            await eventually(lambda: len(heard.stored) == 3)
            publisher.restart()
            publisher.publish(stored([7], [7, 2]), is_lost=True)
            publisher.publish(removed([7]))
            await eventually(lambda: heard.removed)
            assert heard.cleared == ["counts its events from the beginning"]
            assert blocks(heard)[3:] == [packed([7, 2])]
            assert heard.held == [0]

    uvloop.run(main())


def test_rubbish_is_said_and_what_comes_after_it_is_heard() -> None:
    async def main() -> None:
        publisher = Publisher()
        async with watched(publisher, replays=True) as heard:
            publisher.publish(raw=b"\xc1 no msgpack")
            publisher.publish({"type": "BlockStored", "block_hashes": 3})
            publisher.publish(raw=b"")
            publisher._pub.send_multipart([b"topic"])
            publisher._pub.send_multipart([b"topic", b"short", b"payload"])
            publisher.publish(cleared(), stored([1], [1, 2]), removed([1]))
            await eventually(lambda: heard.removed)
            assert [what for what, _ in heard.events] == ["malformed"] * 5
            assert heard.held == [0], "it was cleared since"

    uvloop.run(main())


def test_a_replay_socket_that_never_answers_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("evenhand.engines.kv_events.watch._REPLAY_S_MAX", 0.2)

    async def main() -> None:
        publisher, other = Publisher(), Publisher()
        silent = other.endpoint  # publishes, and answers nobody
        heard = Heard()
        watch = KvEventsWatch(
            KvEndpoints(events=publisher.endpoint, replay=silent), heard, vocabulary=100
        )
        watch.start()
        await asyncio.to_thread(publisher.subscribed)
        await eventually(lambda: heard.events)
        publisher.publish(stored([1], [1, 2]))
        await eventually(lambda: heard.stored)
        assert heard.events[0][0] == "no_replay"
        await watch.stop()
        for one in (publisher, other):
            one.close()

    uvloop.run(main())


def test_an_address_where_nobody_publishes_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("evenhand.engines.kv_events.watch._SILENT_S", 0.1)

    async def main() -> None:
        publisher, heard = Publisher(), Heard()
        watch = KvEventsWatch(KvEndpoints(events=publisher.endpoint), heard, vocabulary=100)
        watch.start()
        await asyncio.to_thread(publisher.subscribed)
        await eventually(lambda: heard.events)
        assert heard.events[0][0] == "silent"
        publisher.publish(stored([1], [1, 2]))
        await eventually(lambda: heard.stored)
        assert len(heard.events) == 1, "once, and what comes later counts"
        await watch.stop()
        publisher.close()

    uvloop.run(main())


def test_a_listener_that_fails_does_not_end_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("evenhand.engines.kv_events.watch._RETRY_S", 0.01)

    async def main() -> None:
        publisher = Publisher()
        async with watched(publisher) as heard:
            good = heard.on_stored

            def bad(tokens: bytes, salt: str | None) -> None:
                heard.on_stored = good  # type: ignore[method-assign]
                raise RuntimeError("planted")

            heard.on_stored = bad  # type: ignore[method-assign]
            publisher.publish(stored([1], [1, 2]))
            await eventually(lambda: heard.events)
            assert heard.events == [("failed", {"reason": "RuntimeError: planted"})]
            await eventually(lambda: heard.stored)  # replayed

    uvloop.run(main())
