"""Two engines that do all that engines can do wrong, and clients that leave: each request ends once, no
slot is lost, nobody pays twice, and in the end both engines serve."""

import asyncio
import json
import random
from collections.abc import Callable

import pytest
import uvloop

from evenhand.engines.circuit import CircuitSettings, CircuitState
from evenhand.engines.http import ClientSettings
from evenhand.model import Outcome
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
from support.scripted_engine import Answer, ScriptedEngine, Usage

REQUESTS = 150
SILENCE = ClientSettings(first_byte_timeout_ms=80, silence_timeout_ms=80)
QUICK = CircuitSettings(
    backoff_min_ms=10, backoff_max_ms=40, quarantine_min_ms=20, quarantine_max_ms=40
)
FOREIGN = "another tenant's words"


def lie() -> Answer:
    chunk = {"object": "chat.completion.chunk", "model": "m"}
    own = {**chunk, "id": "c-1", "choices": [{"index": 0, "delta": {"content": "own"}}]}
    other = {**chunk, "id": "c-2", "choices": [{"index": 0, "delta": {"content": FOREIGN}}]}
    events = (b"data: " + json.dumps(event).encode() + b"\n\n" for event in (own, other, own))
    return Answer(sse=b"".join(events))


FAULTS: tuple[Callable[[], Answer], ...] = (
    lambda: Answer(hang_before_head=True),
    lambda: Answer(hang_after_tokens=1),
    lambda: Answer(cut_after_bytes=0),
    lambda: Answer(cut_after_tokens=2),
    lambda: Answer(cut_after_bytes=100, reset=False),
    lambda: Answer(status=500),
    lambda: Answer(status=400),
    lambda: Answer(status=503),
    lambda: Answer(status=429, headers=(("retry-after", "0"),)),
    lambda: Answer(raw=b"SSH-2.0-OpenSSH_9.9\r\n"),
    lambda: Answer(usage=Usage.DECREASING),
    lambda: Answer(usage=Usage.ABSENT, token_delay_s=0.002),
    lie,
)


@pytest.mark.parametrize("seed", range(4))
def test_whatever_engines_and_clients_do_each_request_ends_once_and_no_slot_is_lost(
    seed: int,
) -> None:
    async def main() -> None:
        chance = random.Random(seed)
        keys = {
            KEY_A: identity("a", queue_wait_ms_max=1_500),
            KEY_B: identity("b", queue_wait_ms_max=1_500),
        }
        async with ScriptedEngine() as first, ScriptedEngine() as second:
            engines = (first, second)
            for engine in engines:
                engine.script(lie(), lie())
                for _ in range(12):  # each fault for a while, and then all is well for a while
                    engine.script(*[chance.choice(FAULTS)()] * chance.randrange(1, 7))
                    engine.script(*[Answer(tokens=chance.randrange(1, 6))] * chance.randrange(4))
            backends = [
                Backend(engine, window=3, circuit=QUICK, abort_grace_ms=30) for engine in engines
            ]
            async with gateway(*backends, setup=Setup(keys=keys, client=SILENCE)) as g:
                crashing = asyncio.create_task(crashes(chance, g, engines))
                bodies = await asyncio.gather(
                    *(client(random.Random(f"{seed}/{n}"), g) for n in range(REQUESTS))
                )
                await crashing
                assert not any(FOREIGN.encode() in body for body in bodies)
                records = await g.ended(REQUESTS)
                await g.at_rest()
                assert len(records) == REQUESTS
                assert len({record["request_id"] for record in records}) == REQUESTS
                assert all(record["dispatches"] <= 2 for record in records)
                outcomes = {record["outcome"] for record in records}
                assert {Outcome.COMPLETED, Outcome.ENGINE_FAILED} <= outcomes
                links = list(g.dispatcher.engines.values())
                await becomes(lambda: not any(len(link.ghosts) for link in links))
                openings = [link.circuit.openings for link in links]
                assert sum(sum(opened.values()) for opened in openings) >= 3
                await serves_again(g, engines)
                assert all(link.circuit.state is CircuitState.CLOSED for link in links)

    uvloop.run(main())


async def client(chance: random.Random, g: RunningGateway) -> bytes:
    """Ask at some moment, and read all of it or leave; what was read."""
    await asyncio.sleep(chance.random() * 0.8)
    asked = chance.choice((CHAT, STREAM, STREAM))
    stream = await g.stream(asked, key=chance.choice((KEY_A, KEY_B)))
    if chance.random() < 0.25:
        await asyncio.sleep(chance.random() * 0.05)
        stream.leave()
        return b""
    return (await stream.answer()).body


async def crashes(
    chance: random.Random, g: RunningGateway, engines: tuple[ScriptedEngine, ...]
) -> None:
    """Each engine dies twice and comes back, which the watch of its health would tell of."""
    for _ in range(2):
        for link, engine in zip(g.dispatcher.engines.values(), engines, strict=True):
            await asyncio.sleep(chance.random() * 0.2)
            await engine.crash()
            g.set_up(link.name, is_up=False)
            await asyncio.sleep(0.02)
            await engine.listen()
            g.dispatcher.allowances.restarted(link)
            g.set_up(link.name, is_up=True)


async def serves_again(g: RunningGateway, engines: tuple[ScriptedEngine, ...]) -> None:
    """With both well, both come back, each by a request of a client."""
    for engine in engines:
        engine._scripted.clear()
        engine.default = Answer()
    for link in g.dispatcher.engines.values():
        for other in g.dispatcher.engines.values():
            g.set_up(other.name, is_up=other is link)
        async with asyncio.timeout(10):
            while (await g.post(CHAT)).status != 200 or (
                link.circuit.state is not CircuitState.CLOSED
            ):
                pass  # a request waits for its turn, and the trial's is one of them
    for link in g.dispatcher.engines.values():
        g.set_up(link.name, is_up=True)
