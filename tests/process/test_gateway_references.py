"""What a real gateway decides between real connections, the plain implementations decide too.

Prompts are token ids, so that their length is known as the references need it. A few dozen small
sessions as a rule; EVENHAND_LOGS makes it as many hundreds as the simulated hosts have.
"""

import asyncio
import os
import random

import pytest
import uvloop

from evenhand.scheduling import SchedulerSettings, Start, TenantShare
from support.gateway import Backend, RunningGateway, Setup, gateway, identity
from support.raw_http import RawStream
from support.scripted_engine import Answer, ScriptedEngine
from support.told_references import REFERENCES

SESSIONS = int(os.environ.get("EVENHAND_LOGS", "12"))
WEIGHTS = {"a": 1, "b": 3, "c": 2}
KEYS = {f"sk-test-key-of-tenant-{name}-0123456789": identity(name) for name in WEIGHTS}
CLIENTS = 24


def _asked(dice: random.Random) -> dict[str, object]:
    """Prompts that begin alike, now and then."""
    prompt = [dice.randrange(3)] * dice.choice([1, 4, 30])
    return {"model": "m", "prompt": prompt, "max_tokens": dice.randint(1, 20), "stream": True}


async def client(g: RunningGateway, dice: random.Random) -> None:
    await asyncio.sleep(dice.random() * 0.03)
    key = dice.choice(list(KEYS))
    stream: RawStream = await g.stream(_asked(dice), key=key, path="/v1/completions")
    if dice.random() < 0.25:
        await asyncio.sleep(dice.random() * 0.02)
        stream.leave()
    else:
        assert (await stream.answer()).status in (200, 502)


@pytest.mark.timeout(600)
@pytest.mark.parametrize("name", ["vtc", "wsc", "dlpm"])
def test_the_core_of_a_gateway_decides_as_the_reference(name: str) -> None:
    make, compare, _ = REFERENCES[name]
    tenants = tuple(TenantShare(name=tenant, weight=w) for tenant, w in WEIGHTS.items())
    queued = 0

    async def session(seed: int) -> None:
        nonlocal queued
        dice, policy = random.Random(seed), make(seed)
        setup = Setup(keys=KEYS, tenants=tenants, policy=policy)
        async with ScriptedEngine() as a, ScriptedEngine() as b:
            for engine in (a, b):
                engine.default = Answer(tokens=20, token_delay_s=0.0005)
                engine.script(*[Answer(status=503) for _ in range(dice.randrange(3))])
            # The references know of no slots that are held without a request.
            backends = (
                Backend(a, window=2, abort_grace_ms=0),
                Backend(b, window=1, abort_grace_ms=0),
            )
            async with gateway(*backends, setup=setup) as g:
                asking = [client(g, random.Random(dice.random())) for _ in range(CLIENTS)]
                await asyncio.gather(*asking)
                await g.at_rest()
        assert g.scheduler.settings == SchedulerSettings(tenants=tenants, policy=policy)
        compare(g.calls, policy, WEIGHTS)
        queued += sum(isinstance(call.answer, Start) for call in g.calls)

    for seed in range(SESSIONS):
        uvloop.run(session(seed))
    assert queued > 4 * SESSIONS, "somebody waited, so something was decided"
