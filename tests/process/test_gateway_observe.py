"""`mode: observe` over real sockets: the order of arrival is served, and the fair one is predicted."""

import asyncio
from typing import Any

import pytest
import uvloop

from evenhand.gateway.admin.observed import observed_page
from evenhand.gateway.shadow_host import ShadowHost
from evenhand.model import Outcome
from evenhand.scheduling import QueueLimits, compose
from support.gateway import (
    CHAT,
    KEY_B,
    STREAM,
    Backend,
    RunningGateway,
    Setup,
    becomes,
    error_of,
    gateway,
    identity,
)
from support.scripted_engine import Answer, ScriptedEngine

FLOOD = 8
SLOW = Answer(tokens=40, token_delay_s=0.01)
PIECE = {**STREAM, "max_tokens": 4}
MODEST = {**CHAT, "messages": [{"role": "user", "content": "one question"}], "max_tokens": 30}
"""Long beside a piece of the flood, so that who waits for it can be told from noise."""


def shadow_of(g: RunningGateway) -> ShadowHost:
    assert g.gateway.shadow is not None
    return g.gateway.shadow


async def rows(g: RunningGateway, ended: int) -> dict[str, dict[str, Any]]:
    """The observed page's rows by tenant, once so many requests have ended in both orders."""

    def is_complete() -> bool:
        found = shadow_of(g).observation()
        assert found is not None
        is_over = found.remembered == 0
        return is_over and sum(row.fair.waits.count for row in found.in_all) == ended

    await becomes(is_complete)
    page = observed_page(shadow_of(g))
    assert page["resets"] == page["unobserved_requests"] == 0
    return {row["tenant"]: row for row in page["in_all"]}


async def flood_and_one_question(
    g: RunningGateway, engine: ScriptedEngine
) -> tuple[list[str], dict[str, float]]:
    """Tenant a floods a window of one, b asks once in the middle. The tenants as the engine saw them,
    and their mean waits in milliseconds."""
    engine.default = SLOW
    engine.script(Answer(tokens=4, gated=True))  # holds the slot until all are there
    flood = [await g.stream(PIECE) for _ in range(FLOOD // 2)]
    await becomes(lambda: g.scheduler.open_requests() == FLOOD // 2)
    modest = await g.stream({**MODEST, "stream": True}, key=KEY_B)
    await becomes(lambda: g.scheduler.backlog.requests == FLOOD // 2)
    flood += [await g.stream(PIECE) for _ in range(FLOOD // 2)]
    await becomes(lambda: g.scheduler.backlog.requests == FLOOD)
    engine.requests[0].release()
    for stream in [*flood, modest]:
        assert (await stream.answer()).status == 200
    records = await g.ended(FLOOD + 1)
    assert engine.running_max == 1
    is_modest = [request.json["messages"] == MODEST["messages"] for request in engine.requests]
    waits: dict[str, list[float]] = {"a": [], "b": []}
    for record in records:
        waits[record["tenant"][0]].append(record["queue_wait_ms"])
    means = {tenant: sum(ms) / len(ms) for tenant, ms in waits.items()}
    return ["b" if modest else "a" for modest in is_modest], means


def test_arrival_order_is_served_and_what_fair_order_would_change_is_told() -> None:
    async def main() -> None:
        async with (
            ScriptedEngine() as engine,
            gateway(Backend(engine, window=1), setup=Setup(observes=True)) as g,
        ):
            order, means = await flood_and_one_question(g, engine)
            assert order == ["a"] * (FLOOD // 2) + ["b"] + ["a"] * (FLOOD // 2)
            found = await rows(g, FLOOD + 1)
        a, b = found["a"], found["b"]
        assert a["arrival"]["requests"] == a["fair"]["requests"] == FLOOD
        assert b["arrival"]["requests"] == b["fair"]["requests"] == 1
        assert b["arrival"]["wait_ms"]["mean"] == pytest.approx(means["b"])
        assert a["arrival"]["wait_ms"]["mean"] == pytest.approx(means["a"], abs=1)
        assert b["fair"]["wait_ms"]["mean"] < b["arrival"]["wait_ms"]["mean"]
        assert a["fair"]["wait_ms"]["mean"] > a["arrival"]["wait_ms"]["mean"]
        assert b["effect"] == "gains"
        assert "b would wait less" in b["sentence"]
        assert a["arrival"]["contended_share"] > a["fair"]["contended_share"]

        async with ScriptedEngine() as engine, gateway(Backend(engine, window=1)) as g:
            enforced_order, enforced = await flood_and_one_question(g, engine)
        assert enforced_order.index("b") < order.index("b")
        assert enforced["b"] < means["b"], "enforcing does what was predicted"

    uvloop.run(main())


def test_however_requests_end_each_is_counted_once_in_each_order() -> None:
    async def main() -> None:
        setup = Setup(
            keys={
                "sk-test-key-of-tenant-a-0123456789": identity("a"),
                KEY_B: identity("b", queue_wait_ms_max=50),
            },
            observes=True,
        )
        async with (
            ScriptedEngine() as first,
            ScriptedEngine() as second,
            gateway(Backend(first, window=1), Backend(second, window=1), setup=setup) as g,
        ):
            first.default = Answer(tokens=4, gated=True)
            second.default = Answer(cut_after_bytes=0)  # whoever comes here is tried again
            running = await g.stream(STREAM)
            await first.received(1)
            returned = await g.stream(STREAM)
            await second.received(1)
            await becomes(lambda: g.scheduler.backlog.requests == 1)
            g.set_up("e1", is_up=False)
            leaving = await g.stream(STREAM)
            too_late = asyncio.create_task(g.post(MODEST, key=KEY_B))
            assert (await too_late).status == 504
            await leaving.close()
            await g.ended(2)
            for request in first.requests:
                request.release()
            first.default = SLOW
            assert (await running.answer()).status == 200
            assert (await returned.answer()).status == 200
            records = await g.ended(4)
            found = await rows(g, 4)
        unserved = [record for record in records if record["engine"] is None]
        assert len(unserved) == 2
        for order in ("arrival", "fair"):
            assert sum(row[order]["requests"] for row in found.values()) == 4
        assert sum(row["arrival"]["unserved_requests"] for row in found.values()) == 2

    uvloop.run(main())


@pytest.mark.parametrize("preset", ["dlpm", "d2lpm", "fairserve", "lpm"])
def test_policies_that_compare_prompts_or_throttle_can_be_tried(preset: str) -> None:
    async def main() -> None:
        policy = compose(preset)
        setup = Setup(observes=True, policy=policy)
        async with (
            ScriptedEngine() as engine,
            gateway(Backend(engine, window=1), setup=setup) as g,
        ):
            await flood_and_one_question(g, engine)
            assert shadow_of(g).failure is None
            assert (await rows(g, FLOOD + 1)).keys() == {"a", "b"}
            came = [event.arguments["request"] for event in g.calls if event.method == "submit"]
            assert len(came) == FLOOD
            assert all(bool(request.prefix) == policy.reads_prefix for request in came)  # type: ignore[attr-defined]

    uvloop.run(main())


def test_a_full_queue_refuses_who_comes_last_whoever_that_is() -> None:
    async def main() -> None:
        setup = Setup(observes=True, queue=QueueLimits(requests_max=2))
        async with (
            ScriptedEngine() as engine,
            gateway(Backend(engine, window=1), setup=setup) as g,
        ):
            engine.default = Answer(tokens=2, gated=True)
            flood = [await g.stream(STREAM) for _ in range(3)]
            await becomes(lambda: g.scheduler.backlog.requests == 2)
            refused = await g.post(MODEST, key=KEY_B)
            assert refused.status == 503
            assert error_of(refused)["code"] == "queue_full"
            assert refused.headers["x-should-retry"] == "true"
            for served in range(3):
                (await engine.received(served + 1)).release()
            for stream in flood:
                assert (await stream.answer()).status == 200
            outcomes = [record["outcome"] for record in await g.ended(4)]
            assert outcomes == [Outcome.QUEUE_FULL] + [Outcome.COMPLETED] * 3
            assert (await rows(g, 3)).keys() == {"a"}

    uvloop.run(main())


def test_a_fault_of_the_shadow_harms_no_request_and_is_told_once() -> None:
    async def main() -> None:
        async with (
            ScriptedEngine() as engine,
            gateway(Backend(engine, window=1), setup=Setup(observes=True)) as g,
        ):
            assert (await g.post(CHAT)).status == 200
            await rows(g, 1)
            shadow = shadow_of(g)
            assert shadow._shadow is not None
            # Its books are torn: it will find that no engine serves what is served.
            shadow._shadow._run.scheduler.capacity.engines.clear()
            answers = await asyncio.gather(*(g.post(CHAT, key=KEY_B) for _ in range(5)))
            assert [answer.status for answer in answers] == [200] * 5
            await becomes(lambda: shadow.failure)
            assert (await g.post(CHAT)).status == 200
            assert shadow.failure is not None
            assert shadow.failure.startswith("KeyError")
            assert observed_page(shadow) == {
                "mode": "observe",
                "policy": "vtc",
                "failure": shadow.failure,
            }
            await becomes(lambda: any(b'"observing_failed"' in line for line in g.lines))
            assert sum(b'"observing_failed"' in line for line in g.lines) == 1
            assert [type(crash) for crash in g.crashes] == [KeyError]
            g.crashes.clear()

    uvloop.run(main())


def test_totals_are_logged_when_it_closes_and_nothing_without_traffic() -> None:
    async def main() -> None:
        async with (
            ScriptedEngine() as engine,
            gateway(Backend(engine), setup=Setup(observes=True)) as g,
        ):
            assert (await g.post(CHAT)).status == 200
        (line,) = [line for line in g.lines if b'"event":"observed"' in line]
        assert b'"arrival_requests":1' in line
        assert b'"fair_requests":1' in line
        async with (
            ScriptedEngine() as engine,
            gateway(Backend(engine), setup=Setup(observes=True)) as g,
        ):
            pass
        assert not [line for line in g.lines if b'"event":"observed"' in line]

    uvloop.run(main())
