"""Responses that engines keep: who goes on from one goes to the engine that has it, and finds only their
own."""

from typing import Any

import pytest

from evenhand.gateway.response_homes import ResponseHomes
from evenhand.model import EngineName, Usage
from support.gateway import KEY_A, KEY_B, Backend, RunningGateway, Setup, gateway, identity
from support.on_loop import run_on_loop
from support.openai_sdk import sdk
from support.scripted_engine import Answer, ScriptedEngine

PATH = "/v1/responses"
ASK: dict[str, Any] = {"model": "m", "input": "hello there"}
ONE_MORE = "sk-test-key-of-tenant-a-again-0123456789"
KEYS = {KEY_A: identity("a"), ONE_MORE: identity("a"), KEY_B: identity("b")}


async def answered(g: RunningGateway, *, stream: bool, **more: Any) -> str:
    """The id of an answer."""
    async with sdk(g) as s:
        if not stream:
            return str((await s.client.responses.create(**ASK, **more)).id)
        async with s.client.responses.stream(**ASK, **more) as events:
            return str((await events.get_final_response()).id)


@pytest.mark.parametrize("stream", [False, True])
def test_the_next_one_goes_where_the_last_one_is(*, stream: bool) -> None:
    async def main() -> None:
        async with ScriptedEngine() as one, ScriptedEngine() as two, ScriptedEngine() as three:
            engines = (one, two, three)
            backends = [Backend(engine, keeps_responses=True) for engine in engines]
            async with gateway(*backends, setup=Setup(keys=KEYS)) as g:
                first = await answered(g, stream=stream)
                (home,) = (engine for engine in engines if engine.requests)
                assert home.requests[0].json["store"] is True
                last = first
                for _ in range(5):
                    last = await answered(g, stream=stream, previous_response_id=last)
                assert len(home.requests) == 6
                assert home.requests[5].json["previous_response_id"] != first
                ids = {"previous_response_id": first}
                assert (await g.post({**ASK, **ids}, path=PATH, key=ONE_MORE)).status == 200
                others = await g.post({**ASK, **ids}, path=PATH, key=KEY_B)
                assert (others.status, others.json["error"]["code"]) == (404, "not_found")
                made_up = await g.post({**ASK, "previous_response_id": "resp_x"}, path=PATH)
                assert made_up.status == 404
                assert "whole conversation" in made_up.json["error"]["message"]
                assert len(home.requests) == 7
                await g.ended(9)

    run_on_loop(main)


def test_what_is_not_kept_is_not_found() -> None:
    async def main() -> None:
        async with ScriptedEngine() as keeps, ScriptedEngine() as not_:
            backends = (Backend(keeps, keeps_responses=True), Backend(not_, models=("x",)))
            async with gateway(*backends) as g:
                told = await g.post({**ASK, "store": False}, path=PATH)
                assert keeps.requests[0].json["store"] is False
                plain = await g.post({**ASK, "model": "x", "store": True}, path=PATH)
                assert not_.requests[0].json["store"] is False
                for answer, model in ((told, "m"), (plain, "x")):
                    ids = {"previous_response_id": answer.json["id"], "model": model}
                    assert (await g.post({**ASK, **ids}, path=PATH)).status == 404
                kept = (await g.post(ASK, path=PATH)).json["id"]
                other = {**ASK, "model": "x", "previous_response_id": kept}
                assert (await g.post(other, path=PATH)).status == 404
                assert (len(keeps.requests), len(not_.requests)) == (2, 1)
                await g.ended(6)

    run_on_loop(main)


def test_an_engine_that_has_lost_it_says_so_and_one_that_is_down_is_waited_for() -> None:
    async def main() -> None:
        async with ScriptedEngine() as one, ScriptedEngine() as two:
            backends = [Backend(engine, keeps_responses=True) for engine in (one, two)]
            async with gateway(*backends) as g:
                kept = (await g.post(ASK, path=PATH)).json["id"]
                home = one if one.requests else two
                home.script(Answer(status=404, error_message="Response not found."))
                lost = await g.post({**ASK, "previous_response_id": kept}, path=PATH)
                assert (lost.status, lost.json["error"]["message"]) == (404, "Response not found.")
                g.set_up("e0" if home is one else "e1", is_up=False)
                down = await g.post({**ASK, "previous_response_id": kept}, path=PATH)
                assert (down.status, down.json["error"]["code"]) == (503, "no_engine")
                assert (await g.post(ASK, path=PATH)).status == 200
                await g.ended(4)

    run_on_loop(main)


def test_references_to_what_is_kept_are_refused() -> None:
    async def main() -> None:
        async with (
            ScriptedEngine() as engine,
            gateway(Backend(engine, keeps_responses=True)) as g,
        ):
            items = [{"type": "item_reference", "id": "msg_of_another"}]
            assert (await g.post({**ASK, "input": items}, path=PATH)).status == 400
            for odd in ("", 7, "a b", "x" * 300, ["resp_1"]):
                body = {**ASK, "previous_response_id": odd}
                assert (await g.post(body, path=PATH)).status == 400
            assert engine.requests == []
            await g.ended(6)

    run_on_loop(main)


def test_as_many_are_remembered_as_there_is_room_for() -> None:
    homes, usage, engine = ResponseHomes(), Usage(3, 4), EngineName("e")
    homes.keep(("b",), "shared", engine, usage)
    for number in range(1_500):
        homes.keep(("a",), f"r{number}", engine, usage)
    homes.keep(("a",), "r1000", engine, usage)
    assert homes.find(("a",), "r499") is None
    assert homes.find(("a",), "r500") == (engine, 7)
    assert homes.find(("b",), "shared") is not None
    for number in range(99_500):
        homes.keep((f"t{number}",), "r", engine, usage)
    assert homes.find(("b",), "shared") is None
    assert homes.find(("t99499",), "r") is not None
    assert homes._count == sum(map(len, homes._homes.values())) == 100_000
