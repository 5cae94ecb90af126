"""What the other tests of this folder try in vain is noticed, with evidence; honest traffic is not.

A real gateway over real sockets; the seconds between are the test's.
"""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

import pytest

from evenhand.gateway.status import GatewayStatus
from evenhand.scheduling import QueueLimits
from evenhand.telemetry.alarms import Alarms, AlarmSettings, Kind
from evenhand.telemetry.monitor import Suspicion
from evenhand.telemetry.samples import Sampler
from hostile.test_spoofing import HEADERS, MEMBERS
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
)
from support.on_loop import run_on_loop
from support.scripted_engine import Answer, EngineRequest, ScriptedEngine

HONEST_HEADERS = {
    "x-stainless-retry-count": "0",
    "x-stainless-lang": "python",
    "x-request-id": "own-1",
    "traceparent": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
    "openai-organization": "org-1",
}
HONEST_MEMBERS = {"user": "u1", "metadata": {"a": "b"}, "service_tier": "auto", "seed": 1}


class Watch:
    """A second passes when the test says so."""

    def __init__(self, g: RunningGateway) -> None:
        self.monitor = g.gateway.monitor
        self.at_ms = 0
        status = GatewayStatus(g.gateway, body_bytes_max=1 << 20)
        self.alarms = Alarms(AlarmSettings(), others=[self.monitor.look])
        self.sampler = Sampler(status, tenants_max=100, wall_ms=lambda: self.at_ms)
        self.sampler.then(self.alarms.look)

    def seconds(self, number: int = 1) -> None:
        for _ in range(number):
            self.at_ms += 1_000
            self.sampler.tick()

    def suspected(self) -> list[tuple[Kind, tuple[str, ...]]]:
        return [(one.kind, one.tenant) for one in self.monitor.suspicions()]

    def only(self) -> Suspicion:
        (one,) = self.monitor.suspicions()
        return one

    def raised(self) -> set[Kind]:
        return {alarm.found.kind for alarm in self.alarms.standing()}


@asynccontextmanager
async def watched(
    engine: ScriptedEngine, setup: Setup | None = None, window: int = 4
) -> AsyncIterator[tuple[RunningGateway, Watch]]:
    async with gateway(Backend(engine, window=window), setup=setup) as g:
        yield g, Watch(g)


def by_length(request: EngineRequest) -> Answer:
    """A token for each word of the prompt."""
    words = len(request.json["messages"][0]["content"].split())
    return Answer(tokens=4, prompt_tokens=words)


def chat(words: int, **more: Any) -> dict[str, Any]:
    return {**CHAT, "messages": [{"role": "user", "content": "word " * words}], **more}


async def ask(g: RunningGateway, watch: Watch, bodies: Sequence[Any], **more: Any) -> None:
    """One after the other, a second for every fifty."""
    for number, body in enumerate(bodies):
        assert (await g.post(body, **more)).status == 200
        if number % 50 == 49:
            watch.seconds()
    watch.seconds()


def test_honest_traffic_is_not_suspected() -> None:
    async def main() -> None:
        async with ScriptedEngine() as engine:
            engine.decide = by_length
            async with watched(engine) as (g, watch):
                bodies = [chat(20 + number * 7 % 30, **HONEST_MEMBERS) for number in range(300)]
                for key in (KEY_A, KEY_B):
                    await ask(g, watch, bodies, key=key, headers=HONEST_HEADERS)
                watch.seconds(20)
                assert watch.suspected() == []
                assert watch.raised() == set()
                assert list(watch.monitor.drifts()) == []
                (who, profile), _ = watch.monitor.profiles(10)
                assert who == (("a",), "test")
                assert profile.requests == 300
                assert 20 <= profile.input.quantile(50) <= 50
                assert profile.output.mean == 4
                assert profile.calls.mean == 1

    run_on_loop(main)


@pytest.mark.parametrize("what", ["headers", "members"])
def test_forged_hints_are_noticed_and_not_obeyed(what: str) -> None:
    async def main() -> None:
        async with ScriptedEngine() as engine, watched(engine) as (g, watch):
            for _ in range(20):
                if what == "headers":
                    # A sender's own names; those that name a key twice are refused at the edge.
                    forged = {name: "b" for name in HEADERS if name not in _ELSEWHERE}
                    await g.post(CHAT, headers=forged)
                else:
                    await g.post({**CHAT, **MEMBERS})
                await g.post(CHAT, key=KEY_B)
            watch.seconds(12)
            assert watch.suspected() == [(Kind.FORGED_HINTS, ("a",))]
            assert "20 requests" in watch.only().evidence
            assert watch.raised() == {Kind.FORGED_HINTS}
            assert {tuple(record["tenant"]) for record in g.records} == {("a",), ("b",)}
            watch.seconds(400)
            assert watch.raised() == set()  # it has stopped
            assert watch.suspected()  # and is not forgotten yet
            watch.seconds(3_600)
            assert watch.suspected() == []

    run_on_loop(main)


_ELSEWHERE = {"te", "keep-alive", "x-api-key", "proxy-authorization", "cookie"}


def test_who_does_not_wait_as_told_is_noticed() -> None:
    """Refused for having two waiting, it sends again at once."""
    limits = QueueLimits(tenant_requests_max=2)

    async def main() -> None:
        async with (
            ScriptedEngine() as engine,
            watched(engine, Setup(queue=limits), window=1) as (g, watch),
        ):
            engine.default = Answer(tokens=4, prompt_tokens=9, token_delay_s=0.002)

            async def impatient() -> None:
                for attempt in range(30):
                    headers = {"x-stainless-retry-count": str(attempt)}
                    await g.post(CHAT, headers=headers)

            async def patient() -> None:
                for _ in range(10):
                    await g.post(CHAT, key=KEY_B, headers=HONEST_HEADERS)

            await asyncio.gather(*(impatient() for _ in range(12)), patient())
            watch.seconds(12)
            assert watch.suspected() == [(Kind.RETRY_STORM, ("a",))]
            assert watch.raised() >= {Kind.RETRY_STORM}

    run_on_loop(main)


def test_who_floods_while_others_wait_is_noticed() -> None:
    async def main() -> None:
        async with ScriptedEngine() as engine, watched(engine, window=1) as (g, watch):
            engine.default = Answer(gated=True)
            streams = [await g.stream(STREAM) for _ in range(40)]
            streams += [await g.stream(STREAM, key=KEY_B) for _ in range(3)]
            await becomes(lambda: g.scheduler.backlog.requests == 42)
            watch.seconds(9)
            assert watch.suspected() == []  # it may pass
            watch.seconds(2)
            assert watch.suspected() == [(Kind.OVER_SHARE, ("a",))]
            assert Kind.OVER_SHARE in watch.raised()
            for stream in streams:
                stream.leave()
            await g.at_rest()

    run_on_loop(main)


def test_who_asks_somewhat_more_than_others_is_not_suspected() -> None:
    async def main() -> None:
        async with ScriptedEngine() as engine, watched(engine, window=1) as (g, watch):
            engine.default = Answer(gated=True)
            streams = [await g.stream(STREAM) for _ in range(40)]
            streams += [await g.stream(STREAM, key=KEY_B) for _ in range(12)]
            await becomes(lambda: g.scheduler.backlog.requests == 51)
            watch.seconds(30)
            assert watch.suspected() == []
            for stream in streams:
                stream.leave()
            await g.at_rest()

    run_on_loop(main)


def test_prompts_that_become_far_longer_are_noticed() -> None:
    async def main() -> None:
        async with ScriptedEngine() as engine:
            engine.decide = by_length
            async with watched(engine) as (g, watch):
                await ask(g, watch, [chat(20 + number % 9) for number in range(260)])
                assert watch.suspected() == []
                await ask(g, watch, [chat(400)] * 50)
                assert watch.suspected() == [(Kind.PADDED_PROMPTS, ("a",))]
                assert "from 24 to 400" in watch.only().evidence
                watch.seconds(12)
                assert watch.raised() == {Kind.PADDED_PROMPTS, Kind.DRIFT}
                (drifted,) = watch.monitor.drifts()
                assert drifted.shift == (24, 400)

    run_on_loop(main)


def test_answers_that_become_longer_are_drift_and_no_abuse() -> None:
    async def main() -> None:
        async with ScriptedEngine() as engine, watched(engine) as (g, watch):
            engine.default = Answer(tokens=2, prompt_tokens=9)
            await ask(g, watch, [CHAT] * 260)
            engine.default = Answer(tokens=8, prompt_tokens=9)
            await ask(g, watch, [CHAT] * 50)
            assert watch.suspected() == []
            (drifted,) = watch.monitor.drifts()
            assert (drifted.measure, drifted.shift) == ("output", (2, 8))

    run_on_loop(main)


def test_calls_of_named_interactions_are_counted() -> None:
    async def main() -> None:
        async with ScriptedEngine() as engine, watched(engine) as (g, watch):
            for number in range(6):
                headers = {"x-evenhand-interaction": f"talk-{number}"}
                await ask(g, watch, [CHAT] * 3, headers=headers)
            watch.seconds(700)
            ((_, profile),) = watch.monitor.profiles(10)
            assert (profile.calls.count, profile.calls.mean) == (6, 3)

    run_on_loop(main)
