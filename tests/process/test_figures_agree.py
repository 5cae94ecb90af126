"""Whoever is asked how much was served says the same: samples, `evenhand top`, Prometheus, the ledger,
the log, and the engines themselves. Under load, and to the token when it is over.

The pages in a browser are held to the same samples by the tests of tests/sight.
"""

import asyncio
import random
from dataclasses import replace
from pathlib import Path

from support.free_port import free_port
from support.gateway import CHAT, STREAM
from support.on_loop import run_on_loop
from support.scripted_engine import Answer, ScriptedEngine
from support.serve import KEY_A, KEY_B, Served, configuration, serving, url_engine
from support.told_figures import (
    Told,
    by_engine,
    by_ledger,
    by_log,
    by_prometheus,
    by_sample,
    by_top,
    next_sample,
)

PROMPT_TOKENS, CACHED_TOKENS = 7, 3
CLIENTS, EACH = 12, 12


async def asks(served: Served, number: int) -> None:
    """One client, whose answers are streamed and whole, long and short."""
    dice = random.Random(number)
    for _ in range(EACH):
        body = {**dice.choice((CHAT, STREAM)), "max_tokens": dice.randint(1, 24)}
        answer = await served.post(body, key=dice.choice((KEY_A, KEY_A, KEY_B)))
        assert answer.status == 200


async def leaves(served: Served) -> None:
    """A client that goes in the middle of its answer."""
    stream = await served.stream({**STREAM, "max_tokens": 24})
    for _ in range(3):
        await stream.event()
    await stream.close()


def at_most(one: Told, other: Told) -> bool:
    """What the first tells came before what the other does."""
    counted = ("ended", "input_tokens", "output_tokens", "refused")
    return all(getattr(one, name) <= getattr(other, name) for name in counted)


async def metrics(served: Served) -> Told:
    return by_prometheus((await served.admin("/metrics")).body.decode())


async def under_load(served: Served) -> None:
    """Each sample lies between the pages of Prometheus before and after it."""
    between = 0
    load = [asyncio.create_task(asks(served, number)) for number in range(CLIENTS)]
    while not all(task.done() for task in load):
        before = await metrics(served)
        sample = by_sample(await next_sample(served))
        after = await metrics(served)
        assert at_most(before, sample)
        assert at_most(sample, after)
        between += before.ended < after.ended
    await asyncio.gather(*load)
    assert between, "there was load"


async def everybody(served: Served, folder: Path) -> dict[str, Told]:
    """Who tells what, when nothing is under way any more."""
    sample = by_sample(await next_sample(served))
    async with asyncio.timeout(20):
        while (ledger := await by_ledger(folder)).ended < sample.ended:
            pass  # it is written in batches
    return {
        "samples": sample,
        "top": await by_top(folder),
        "prometheus": await metrics(served),
        "ledger": ledger,
        "log": by_log(served.lines),
    }


def test_all_figures_agree(tmp_path: Path) -> None:
    async def main() -> None:
        async with ScriptedEngine() as one, ScriptedEngine() as two:
            for engine in (one, two):
                engine.default = Answer(
                    tokens=24,
                    prompt_tokens=PROMPT_TOKENS,
                    cached_tokens=CACHED_TOKENS,
                    token_delay_s=0.01,
                )
            config = configuration(
                url_engine(one.url, name="one", window=3),
                url_engine(two.url, name="two", window=3),
                state={"folder": "state"},
                # Its own, for `evenhand top` has to find it.
                admin={"listen": f"127.0.0.1:{free_port()}", "credential": "env:ADMIN_KEY"},
            )
            async with serving(config, folder=tmp_path) as served:
                await served.logged("engine", up=True, engine="one")
                await served.logged("engine", up=True, engine="two")
                await under_load(served)
                told = await everybody(served, tmp_path)
                of_engine = by_engine([*one.requests, *two.requests], PROMPT_TOKENS)
                for who, figures in told.items():
                    assert figures == told["samples"], who
                    assert replace(figures, refused=None, units=None) == of_engine, who
                assert told["samples"].ended == CLIENTS * EACH
                # An engine makes what nobody hears the end of; the others still agree.
                await asyncio.gather(*(leaves(served) for _ in range(6)))
                await served.logged("request", count=CLIENTS * EACH + 6)
                told = await everybody(served, tmp_path)
                for who, figures in told.items():
                    assert figures == told["samples"], who
                assert told["samples"].ended == CLIENTS * EACH + 6

    run_on_loop(main, 60)
