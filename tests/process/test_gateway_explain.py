"""What the admin listener says of a call in each phase, on a gateway that runs in the test's loop."""

import asyncio
from typing import Any

import uvloop

from evenhand.gateway.admin.explained import explained_page
from evenhand.gateway.status import GatewayStatus
from evenhand.model import RequestId
from support.gateway import KEY_B, STREAM, Backend, RunningGateway, becomes, gateway
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
