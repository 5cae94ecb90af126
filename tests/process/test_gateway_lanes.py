"""Lanes, end to end: a flood in a lower lane costs a higher one a slot that comes free, and no more."""

import asyncio
from dataclasses import replace

import uvloop

from evenhand.model import LaneName
from evenhand.scheduling import Lane
from support.gateway import (
    CHAT,
    KEY_A,
    KEY_B,
    STREAM,
    Backend,
    RunningGateway,
    Setup,
    becomes,
    gateway,
    identity,
)
from support.scripted_engine import Answer, EngineRequest, ScriptedEngine

WINDOW = 2
FLOOD = 40
ASKED = 5
LANES = (
    Lane(name=LaneName("chat"), price_percent=300),
    Lane(name=LaneName("batch")),
)
MODEST = {**CHAT, "messages": [{"role": "user", "content": "one small question"}]}
# Of one tenant, so that shares have no say in it.
SETUP = Setup(
    keys={
        KEY_A: identity("a", lane=LaneName("batch")),
        KEY_B: identity("a", lane=LaneName("chat")),
    },
    lanes=LANES,
)


async def starts_before_each_question(setup: Setup) -> list[int]:
    """A flood waits; questions come one after the other. How many of the flood start between the arrival
    of each and its start."""
    between = []
    async with ScriptedEngine() as engine:
        engine.default = Answer(tokens=8, gated=True)
        async with gateway(Backend(engine, window=WINDOW), setup=setup) as g:
            flood = [await g.stream(STREAM, key=KEY_A) for _ in range(FLOOD)]
            await engine.received(WINDOW)
            await queued(g, FLOOD - WINDOW)
            asked, released = [], 0
            for number in range(ASKED):
                before = len(engine.requests)
                asked.append(asyncio.create_task(g.post(MODEST, key=KEY_B)))
                await queued(g, FLOOD + number + 1 - before)
                while questions(engine) == number and released < FLOOD:
                    engine.requests[released].release()
                    released += 1
                    await engine.received(WINDOW + released)
                between.append(len(engine.requests) - before - 1)
            for request in engine.requests:
                request.release()
            engine.default = Answer(tokens=8)
            assert all(answer.status == 200 for answer in await asyncio.gather(*asked))
            await asyncio.gather(*(stream.answer() for stream in flood))
            records = await g.ended(FLOOD + ASKED)
            units = {record["lane"]: record["units"] for record in records}
            assert not setup.lanes or units["chat"] > 2 * units["batch"], "it pays its price"
    return between


def questions(engine: ScriptedEngine) -> int:
    return sum(is_modest(request) for request in engine.requests)


def is_modest(request: EngineRequest) -> bool:
    return bool(request.json["messages"] == MODEST["messages"])


async def queued(g: RunningGateway, count: int) -> None:
    await becomes(lambda: g.scheduler.backlog.requests == count)


def test_a_flood_in_a_lower_lane_costs_a_question_one_slot_release() -> None:
    assert uvloop.run(starts_before_each_question(SETUP)) == [0] * ASKED


def test_without_lanes_the_first_question_waits_for_the_whole_flood() -> None:
    assert uvloop.run(starts_before_each_question(replace(SETUP, lanes=())))[0] == FLOOD - WINDOW
