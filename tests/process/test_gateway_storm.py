"""Many streams, half of them broken off: afterwards nothing is left, and the books are right."""

import asyncio
import random
from collections import Counter

import pytest
import uvloop

from evenhand.model import Outcome
from evenhand.scheduling import Scheduler
from evenhand.scheduling.recorder import replay
from support.gateway import KEY_A, KEY_B, STREAM, Backend, RunningGateway, becomes, gateway
from support.scripted_engine import Answer, EngineRequest, ScriptedEngine

STREAMS = 200
WINDOW = 8


async def ask(g: RunningGateway, number: int, dice: random.Random) -> str | None:
    """One client; None if it left, else the id of its answer."""
    asked = {**STREAM, "max_tokens": dice.randint(1, 30)}
    is_leaving = number % 2 == 0
    leaves_after = dice.choice([0, 0, 1, 2, 5, 9])
    patience_s = dice.random() * 0.4
    stream = await g.stream(asked, key=KEY_A if dice.random() < 0.7 else KEY_B)
    if not is_leaving:
        answer = await stream.answer()
        assert answer.status == 200
        assert answer.body.endswith(b"data: [DONE]\n\n")
        return stream.headers["x-request-id"]
    try:
        async with asyncio.timeout(patience_s):
            for _ in range(leaves_after):
                await stream.event()
    except TimeoutError:
        pass
    stream.leave()
    return None


@pytest.mark.parametrize("seed", range(2))
def test_200_streams_half_of_them_cancelled_leave_nothing_behind(seed: int) -> None:
    async def main() -> None:
        dice = random.Random(seed)
        tasks_before = asyncio.all_tasks()
        async with ScriptedEngine() as a, ScriptedEngine() as b:
            for engine in (a, b):
                engine.default = Answer(tokens=30, prompt_tokens=9, token_delay_s=0.003)
            async with gateway(Backend(a, window=WINDOW), Backend(b, window=WINDOW)) as g:
                clients = [ask(g, n, random.Random(dice.random())) for n in range(STREAMS)]
                ids = {request_id for request_id in await asyncio.gather(*clients) if request_id}
                records = await g.ended(STREAMS)
                await g.at_rest()
                assert_the_books_are_right(records, ids, a.requests + b.requests)
                assert max(a.running_max, b.running_max) <= WINDOW
                bare = Scheduler(g.scheduler.settings)
                assert replay(g.calls, bare) > STREAMS, "what the gateway saw, a bare core decides"
                for stream in g.streams:
                    await stream.close()
                await becomes(lambda: not (g.edge.connections or a.running or b.running))
                links = g.dispatcher.engines.values()
                open_connections = sum(link.client.open_connections for link in links)
                assert open_connections == len(a.connections) + len(b.connections)
                assert open_connections <= 2 * WINDOW, "idle ones, kept for reuse"
                assert g.counted() == Counter(record["outcome"] for record in records)
        assert asyncio.all_tasks() == tasks_before

    def assert_the_books_are_right(
        records: list[dict[str, object]], ids: set[str], seen: list[EngineRequest]
    ) -> None:
        assert len({record["request_id"] for record in records}) == len(records) == STREAMS
        by_id = {str(request.header("x-request-id")): request for request in seen}
        assert len(by_id) == len(seen), "each was sent once"
        completed = {r["request_id"] for r in records if r["outcome"] is Outcome.COMPLETED}
        assert ids <= completed
        for record in records:
            request = by_id.get(str(record["request_id"]))
            outcome = record["outcome"]
            if outcome is Outcome.COMPLETED:
                assert request is not None
                assert record["output_tokens"] == request.tokens_produced
                assert not record["usage_is_estimate"]
            elif outcome is Outcome.CANCELLED_RUNNING:
                # Sent, or about to be; what it produced after we heard of the leaving is not ours.
                produced = request.tokens_produced if request is not None else 0
                assert int(str(record["output_tokens"])) <= produced
            else:
                assert outcome is Outcome.CANCELLED_QUEUED
                assert request is None, "never dispatched"
                assert record["units"] == 0
        outcomes = {record["outcome"] for record in records}
        assert outcomes >= {Outcome.COMPLETED, Outcome.CANCELLED_RUNNING, Outcome.CANCELLED_QUEUED}

    uvloop.run(main())


def test_engines_that_come_and_go_in_a_storm_leave_every_request_an_ending() -> None:
    async def main() -> None:
        dice = random.Random(7)
        async with ScriptedEngine() as a, ScriptedEngine() as b:
            faults = [
                Answer(cut_after_bytes=0),
                Answer(cut_after_bytes=0, reset=False),
                Answer(tokens=9, cut_after_tokens=4),
                Answer(status=503),
                Answer(status=500),
                Answer(tokens=9, closes_after=True),
                Answer(tokens=9),
            ]
            for engine in (a, b):
                engine.script(*[dice.choice(faults) for _ in range(150)])
            async with gateway(Backend(a, window=8), Backend(b, window=8)) as g:
                whole = 0
                for answer in await asyncio.gather(*[g.post(STREAM) for _ in range(150)]):
                    assert answer.is_whole
                    assert answer.status in (200, 502)
                    is_done = answer.body.endswith(b"data: [DONE]\n\n")
                    assert is_done is (b'"error"' not in answer.body)
                    whole += is_done
                records = await g.ended(150)
                outcomes = Counter(record["outcome"] for record in records)
                assert outcomes == {Outcome.COMPLETED: whole, Outcome.ENGINE_FAILED: 150 - whole}
                assert all(record["dispatches"] <= 2 for record in records)
                assert sum(r["dispatches"] for r in records) >= len(a.requests + b.requests)
                assert max(a.running_max, b.running_max) <= 8

    uvloop.run(main())
