"""Ledger and engines held against each other, over real sockets: each difference has its cause."""

import asyncio
import json
import random
from pathlib import Path
from typing import Any

from support.engine_counters import Counters
from support.on_loop import run_on_loop
from support.raw_http import exchange
from support.reconciling import differences, reconcile, reconciled
from support.scripted_engine import Answer, ScriptedEngine, Usage
from support.serve import Served, configuration, embedded, serving, url_engine

CHAT: dict[str, Any] = {
    "model": "m",
    "messages": [{"role": "user", "content": "one two three four five"}],
    "max_tokens": 50,
}
PROMPT = 5


def config(*engines: ScriptedEngine) -> dict[str, Any]:
    names = ("far", "other")
    urls = [url_engine(e.url, name=name) for name, e in zip(names, engines, strict=False)]
    return configuration(*urls, state={"folder": "state"})


async def settled(*engines: ScriptedEngine) -> None:
    """Until the gateway has read the engines calm: a few readings without a change."""
    counts = [len(engine.readings) for engine in engines]
    for engine, count in zip(engines, counts, strict=True):
        await engine.read(count + 4)


async def begun(served: Served, *engines: ScriptedEngine) -> None:
    for name, _ in zip(("far", "other"), engines, strict=False):
        await served.logged("engine", engine=name, up=True)
    await settled(*engines)


def test_what_is_completed_agrees_to_the_token_and_choices_are_told_apart(tmp_path: Path) -> None:
    async def main() -> None:
        async with ScriptedEngine(models=("m",)) as engine:
            engine.counters = Counters(engine)
            async with serving(config(engine), folder=tmp_path) as served:
                await begun(served, engine)
                asking = [served.post({**CHAT, "n": n}) for n in (1, 1, 3)]
                assert {a.status for a in await asyncio.gather(*asking)} == {200}
                stream = await served.stream(CHAT)
                while await stream.event() is not None:
                    pass
                await stream.close()
                await settled(engine)
                assert await served.stop() == 0
            code, found = await reconcile(tmp_path, "--tolerance-ppm", "0")
            far = found["far"]
            assert (code, far["unexplained_ppm"], far["requests"]) == (0, 0, 4)
            assert far["output"] == {"engine": 24, "ledger": 24, "causes": {}}
            assert far["input"]["engine"] == 6 * PROMPT
            assert differences(far)["input"] == {"choices": 2 * PROMPT}

    run_on_loop(main, limit_s=60)


def test_what_is_aborted_goes_on_or_was_not_begun(tmp_path: Path) -> None:
    async def main() -> None:
        async with ScriptedEngine(models=("m",)) as engine:
            engine.counters = Counters(engine)
            async with serving(config(engine), folder=tmp_path) as served:
                await begun(served, engine)
                engine.script(Answer(tokens=50, gated=True), Answer(hang_before_head=True))
                seen = await served.stream(CHAT)
                request = await engine.received(1)
                request.step(4)
                for _ in range(5):
                    await seen.event()
                unseen = await served.stream(CHAT)
                await engine.received(2)
                for stream in (seen, unseen):
                    await stream.close()
                await served.logged("request", 2)
                # It went on for a while before it noticed.
                request.count(7)
                await settled(engine)
                assert (await served.post(CHAT)).status == 200
                await settled(engine)
                assert await served.stop() == 0
            found = reconciled(tmp_path)
            far = found["far"]
            assert (far["unexplained_ppm"], far["left"], far["requests"]) == (0, 2, 3)
            causes = differences(far)
            assert set(causes["output"]) == {"aborted"}
            assert 7 <= causes["output"]["aborted"] <= 8
            assert set(causes["input"]) <= {"aborted"}

    run_on_loop(main, limit_s=60)


def test_what_was_tried_elsewhere_is_told_of_the_engine_that_failed(tmp_path: Path) -> None:
    async def main() -> None:
        async with (
            ScriptedEngine(models=("m",)) as one,
            ScriptedEngine(models=("m",)) as two,
        ):
            for engine in (one, two):
                engine.counters = Counters(engine)
            # Works on three tokens of an answer that comes whole, and falls over.
            one.default = Answer(cut_after_tokens=3)
            async with serving(config(one, two), folder=tmp_path) as served:
                await begun(served, one, two)
                while not one.requests:
                    assert (await served.post(CHAT)).status == 200
                await settled(one, two)
                assert await served.stop() == 0
            found = reconciled(tmp_path)
            assert found["far"]["retried"] == 1
            causes = differences(found["far"])
            assert causes == {"input": {"retried": PROMPT}, "output": {"retried": 3}}
            assert differences(found["other"]) == {"input": {}, "output": {}}

    run_on_loop(main, limit_s=60)


def test_direct_traffic_is_counted_apart(tmp_path: Path) -> None:
    async def main() -> None:
        async with ScriptedEngine(models=("m",)) as engine:
            engine.counters = Counters(engine)
            async with serving(config(engine), folder=tmp_path) as served:
                await begun(served, engine)
                assert (await served.post(CHAT)).status == 200
                await settled(engine)
                head = "POST /v1/chat/completions HTTP/1.1\r\nHost: x"
                body = json.dumps(CHAT).encode()
                for _ in range(3):
                    past = await exchange("127.0.0.1", engine.port, head, body)
                    assert past.status == 200
                await settled(engine)
                assert await served.stop() == 0
            found = reconciled(tmp_path)
            assert found["far"]["requests"] == 1
            assert differences(found["far"]) == {
                "input": {"direct": 3 * PROMPT},
                "output": {"direct": 12},
            }

    run_on_loop(main, limit_s=60)


def test_a_restart_and_a_gateway_that_was_away_are_told_as_such(tmp_path: Path) -> None:
    async def main() -> None:
        async with ScriptedEngine(models=("m",)) as engine:
            engine.counters = counters = Counters(engine)
            async with serving(config(engine), folder=tmp_path) as served:
                await begun(served, engine)
                assert (await served.post(CHAT)).status == 200
                await settled(engine)
                # Counted by nobody that outlives it.
                assert (await served.post(CHAT)).status == 200
                counters.restart()
                await served.logged("engine_restarted")
                assert (await served.post(CHAT)).status == 200
                await settled(engine)
                assert await served.stop() == 0
            found = reconciled(tmp_path)
            far = found["far"]
            assert (far["unexplained_ppm"], far["restarts"]) == (0, 1)
            causes = differences(far)
            assert set(causes["input"]) == set(causes["output"]) == {"restart"}
            assert causes["output"]["restart"] <= -4
            head = "POST /v1/chat/completions HTTP/1.1\r\nHost: x"
            await exchange("127.0.0.1", engine.port, head, json.dumps(CHAT).encode())
            async with serving(config(engine), folder=tmp_path) as served:
                await begun(served, engine)
                assert (await served.post(CHAT)).status == 200
                await settled(engine)
                assert await served.stop() == 0
            found = reconciled(tmp_path)
            assert differences(found["far"])["output"]["away"] == 4

    run_on_loop(main, limit_s=60)


def test_what_nothing_explains_is_said_and_ends_with_1(tmp_path: Path) -> None:
    async def main() -> None:
        async with ScriptedEngine(models=("m",)) as engine:
            engine.counters = counters = Counters(engine)
            async with serving(config(engine), folder=tmp_path) as served:
                await begun(served, engine)
                for _ in range(5):
                    assert (await served.post(CHAT)).status == 200
                # It tells of fewer than it has been charged for.
                counters.lost_output = 3
                await settled(engine)
                page = await served.admin("/api/v1/reconciliation")
                assert page.status == 200
                assert (await served.admin("/api/v1/reconciliation?x=1")).status == 400
                assert await served.stop() == 0
            code, found = await reconcile(tmp_path)
            far = found["far"]
            assert code == 1
            assert differences(far) == {"input": {}, "output": {"unexplained": -3}}
            assert far["unexplained_ppm"] == -(-3 * 10**6 // (5 * (PROMPT + 4)))
            code, _ = await reconcile(tmp_path, "--tolerance-ppm", "100000")
            assert code == 0

    run_on_loop(main, limit_s=60)


def any_answer(chance: random.Random) -> Answer:
    what = chance.random()
    if what < 0.05:
        return Answer(status=503)
    if what < 0.1:
        return Answer(tokens=30, cut_after_tokens=chance.randrange(1, 30))
    return Answer(tokens=chance.randrange(1, 40), token_delay_s=0.001)


async def any_requests(served: Served, chance: random.Random) -> None:
    """Whole and streamed, one choice and several; half of the streams are left."""
    for _ in range(30):
        words = "word " * chance.randrange(1, 60)
        body = CHAT | {"messages": [{"role": "user", "content": words}]}
        if chance.random() < 0.5:
            await served.post(body | {"n": chance.choice([1, 1, 1, 3])})
            continue
        stream = await served.stream(body)
        for _ in range(chance.choice([0, 1, 5, 1000, 1000, 1000])):
            if await stream.event() is None:
                break
        await stream.close()


def test_in_a_storm_of_all_of_it_nothing_is_unexplained(tmp_path: Path) -> None:
    chance = random.Random(11)

    async def main() -> None:
        async with (
            ScriptedEngine(models=("m",)) as one,
            ScriptedEngine(models=("m",)) as two,
        ):
            for engine in (one, two):
                engine.counters = Counters(engine)
                engine.decide = lambda _: any_answer(chance)
            async with serving(config(one, two), folder=tmp_path) as served:
                await begun(served, one, two)
                await asyncio.gather(*(any_requests(served, chance) for _ in range(8)))
                await settled(one, two)
                await settled(one, two)
                assert await served.stop() == 0
            found = reconciled(tmp_path)
            for each in found.values():
                assert each["requests"] > 50
                assert each["unexplained_ppm"] == 0
                assert set(each["input"]["causes"]) <= {
                    "choices",
                    "retried",
                    "aborted",
                    "estimated",
                }
                assert set(each["output"]["causes"]) <= {"retried", "aborted"}

    run_on_loop(main, limit_s=90)


def test_an_engine_that_reports_no_usage_is_estimated(tmp_path: Path) -> None:
    async def main() -> None:
        async with ScriptedEngine(models=("m",)) as engine:
            engine.counters = Counters(engine)
            engine.default = Answer(usage=Usage.ABSENT)
            async with serving(config(engine), folder=tmp_path) as served:
                await begun(served, engine)
                stream = await served.stream(CHAT)
                while await stream.event() is not None:
                    pass
                await stream.close()
                await settled(engine)
                assert await served.stop() == 0
            found = reconciled(tmp_path)
            assert set(differences(found["far"])["input"]) == {"estimated"}
            assert differences(found["far"])["output"] == {}

    run_on_loop(main, limit_s=60)


def test_the_embedded_engine_agrees_to_the_token(tmp_path: Path) -> None:
    async def main() -> None:
        state = {"folder": "state"}
        async with serving(configuration(embedded(), state=state), folder=tmp_path) as served:
            await asyncio.sleep(2.5)  # until it was read calm
            body = {**CHAT, "max_tokens": 12}
            asking = [served.post(body) for _ in range(6)]
            assert {a.status for a in await asyncio.gather(*asking)} == {200}
            for _ in range(2):
                stream = await served.stream(body)
                while await stream.event() is not None:
                    pass
                await stream.close()
            await asyncio.sleep(2.5)
            assert await served.stop() == 0
        found = reconciled(tmp_path)
        local = found["local"]
        assert (local["unexplained_ppm"], local["requests"]) == (0, 8)
        assert differences(local) == {"input": {}, "output": {}}
        assert local["output"]["ledger"] == 8 * 12

    run_on_loop(main, limit_s=60)
