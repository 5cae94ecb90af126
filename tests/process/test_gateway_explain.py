"""What the admin listener says of a call in each phase, on a gateway that runs in the test's loop."""

import asyncio
from typing import Any

import pytest
import uvloop

from evenhand.gateway.admin.explained import explained_page
from evenhand.gateway.status import GatewayStatus
from evenhand.ledger import Budget
from evenhand.model import RequestId
from evenhand.scheduling import QueueLimits, compose
from support.gateway import (
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
from support.scripted_engine import Answer, ScriptedEngine


def page(g: RunningGateway, request_id: str) -> dict[str, Any]:
    status = GatewayStatus(g.gateway, body_bytes_max=1_000)
    name = RequestId(request_id)
    found = explained_page(request_id, status.call(name), status.why(name))
    assert found is not None
    return found


def test_each_phase_is_told() -> None:
    async def main() -> None:
        async with ScriptedEngine() as engine:
            engine.default = Answer(tokens=4, gated=True)
            async with gateway(Backend(engine, window=1)) as g:
                streams = [await g.stream(STREAM)]
                await engine.received(1)
                (running,) = (call.id for call in g.gateway.calls)
                told = page(g, running)
                assert (told["phase"], told["gate"], told["tenant"]) == ("running", None, "a")
                assert told["engine"] == told["sentences"][0].split()[4].rstrip(",")

                streams.append(await g.stream(STREAM, key=KEY_B))
                await becomes(lambda: g.scheduler.backlog.requests == 1)
                (waits,) = (call.id for call in g.gateway.calls if call.id != running)
                await asyncio.sleep(0.01)
                told = page(g, waits)
                assert (told["phase"], told["gate"], told["tenant"]) == ("queued", "window", "b")
                assert told["waited_ms"] > 0
                assert "no engine that it can run on had a slot" in told["sentences"][1]

                await streams[1].close()
                await g.ended(1)
                told = page(g, waits)
                assert (told["phase"], told["outcome"]) == ("ended", "cancelled_queued")

                engine.requests[0].release()
                await streams[0].answer()
                await g.ended(2)
                told = page(g, running)
                assert (told["phase"], told["outcome"]) == ("ended", "completed")
                status = GatewayStatus(g.gateway, body_bytes_max=1_000)
                nobody = RequestId("req_nobody")
                assert explained_page(nobody, status.call(nobody), status.why(nobody)) is None

    uvloop.run(main())


REFUSING = {
    "oit": ("over_share_while_overloaded", "the engines are overloaded, and its tenant is over"),
    "rate": ("rate_limited", "its tenant has used up its rate"),
    "limits": ("tenant_queue_full", "a limit was reached"),
    "budget": ("budget_exhausted", "the budget of its key had no room for it"),
}


def refusing(gate: str) -> Setup:
    match gate:
        case "oit":
            dials = {"overload_target_s": 1, "overload_sustained_s": 0}
            return Setup(policy=compose("fairserve", settings=dials))
        case "rate":
            return Setup(policy=compose("rpm", settings={"requests_per_minute": 1}))
        case "budget":
            return Setup(keys={KEY_A: identity("a", budget=Budget(tokens_max=1))})
    return Setup(queue=QueueLimits(tenant_requests_max=1))


@pytest.mark.parametrize("gate", REFUSING)
def test_of_a_refused_request_it_is_told_what_refused_it(gate: str) -> None:
    async def main() -> None:
        code, words = REFUSING[gate]
        async with (
            ScriptedEngine() as engine,
            gateway(Backend(engine, window=1), setup=refusing(gate)) as g,
        ):
            if gate == "oit":  # it needs a measured rate
                assert (await g.post(STREAM)).status == 200
                rate = g.scheduler._rate
                await becomes(lambda: rate.units_per_s(g.dispatcher.now_ms()) is not None)
            engine.default = Answer(tokens=4, gated=True)
            flood = [asyncio.create_task(g.post(STREAM)) for _ in range(40)]
            refused = None
            while refused is None:
                done, _ = await asyncio.wait(flood, return_when=asyncio.FIRST_COMPLETED)
                refused = next((t for t in done if t.result().status == 429), None)
            answer = refused.result()
            assert answer.json["error"]["code"] == code
            told = page(g, answer.headers["x-request-id"])
            assert (told["phase"], told["gate"], told["tenant"]) == ("ended", gate, "a")
            assert told["message"] == answer.json["error"]["message"]
            assert words in told["sentences"][1]
            assert told["sentences"][2] == told["message"]
            engine.default = Answer(tokens=4)
            for request in engine.requests:
                request.release()
            await asyncio.gather(*flood)

    uvloop.run(main())
