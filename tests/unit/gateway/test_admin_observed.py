"""The page of observe mode over real HTTP, after simulated traffic."""

import asyncio
import random
from typing import Any

import uvloop

from evenhand.gateway.shadow_host import ShadowHost
from evenhand.model import ModelName, Request, RequestId, Usage
from evenhand.scheduling import SchedulerSettings, compose
from evenhand.scheduling.shadow import Shadow
from evenhand.telemetry import RequestLog
from support.admin import Answer, PlainStatus, app_of, served
from support.simulated_traffic import ONE_ENGINE, ROOM, TENANTS, Planned, Traffic


def planned(number: int, tenant: str, at_ms: int) -> Planned:
    request = Request(
        id=RequestId(f"p{number}"),
        tenant=(tenant,),
        model=ModelName("m1"),
        body_bytes=1,
        prompt_tokens=1,
        output_tokens_max=10,
        queue_wait_ms_max=10**9,
    )
    return Planned(request=request, at_ms=at_ms, service_ms=100, usage=Usage(1, 10))


def observed(shadow: Shadow, *paths: str) -> list[Answer]:
    async def main() -> list[Answer]:
        log = RequestLog(lambda _: None)
        host = ShadowHost(shadow, log, asyncio.get_running_loop())
        app = app_of(PlainStatus(shadow=host), credential=None, tenants_max=10)
        async with served(app) as client:
            answers = [await client.ask(path) for path in paths]
        host.close()
        log.close()
        return answers

    return uvloop.run(main())


def page_after(plan: list[Planned], *, tenants_max: int = 10, remembered_max: int = 100) -> Any:
    fair = SchedulerSettings(tenants=TENANTS, policy=compose(), limits=ROOM)
    real = SchedulerSettings(tenants=TENANTS, policy=compose("fcfs"), limits=ROOM)
    shadow = Shadow(fair, tenants_max=tenants_max, remembered_max=remembered_max)
    Traffic(real, ONE_ENGINE, plan, shadow=shadow, dice=random.Random(1)).run()
    (answer,) = observed(shadow, "/observed")
    assert answer.status == 200
    return answer.json


FLOOD = [planned(number, "a", 0) for number in range(9)]
QUESTION = planned(10, "b", 10)


def test_the_page_tells_both_orders_and_who_gains() -> None:
    page = page_after([*FLOOD, QUESTION])
    assert page["mode"] == "observe"
    assert page["policy"] == "vtc"
    assert page["failure"] is None
    assert page["open_requests"] == page["resets"] == page["unobserved_requests"] == 0
    a, b = page["in_all"]
    assert b["effect"] == "gains"
    assert b["sentence"] == "b would wait less: 190 ms on average instead of 890 ms."
    # Ten at 100 ms each; it came at 10 ms and is the last, and nobody waits while it runs.
    assert b["arrival"]["wait_ms"]["mean"] == 890
    assert abs(b["arrival"]["wait_ms"]["p95"] - 890) <= 890 / 32
    assert (b["arrival"]["contended_units"], b["arrival"]["contended_share"]) == (0, 0)
    # Level with a when it came, so a had one more turn; its own 100 ms ran while a waited.
    assert b["fair"]["wait_ms"]["mean"] == 190
    assert b["fair"]["requests"] == 1
    assert b["fair"]["contended_units"] == 210
    # a ran 90 of its first 100 ms against b, and all of its second.
    assert b["fair"]["contended_share"] == 210 / (210 + 189 + 210)
    assert a["effect"] == "loses"
    assert a["arrival"]["wait_ms"]["mean"] == 400
    # Seven of nine a place later: (0 + 100 + 300 + 400 + ... + 900) / 9.
    assert a["fair"]["wait_ms"]["mean"] == 478
    assert a["arrival"]["contended_share"] == 1


def test_without_competition_nothing_changes_and_there_is_no_share_to_tell() -> None:
    (a,) = page_after(FLOOD)["in_all"]
    assert a["effect"] == "same"
    assert a["sentence"] == "a would wait as long as now, 400 ms on average."
    assert a["arrival"]["contended_share"] is None


def test_tenants_beyond_the_limit_share_a_row_and_resets_are_told() -> None:
    page = page_after([*FLOOD, QUESTION], tenants_max=1, remembered_max=9)
    assert page["resets"] == 1
    assert page["unobserved_requests"] == 10
    page = page_after([*FLOOD, QUESTION], tenants_max=1)
    assert [row["tenant"] for row in page["in_all"]] == [None, "a"]
    assert page["in_all"][0]["sentence"].startswith("All others together would wait less")


def test_a_gateway_that_enforces_has_no_such_page_and_says_how_to_get_it() -> None:
    async def main() -> Answer:
        app = app_of(PlainStatus(), credential=None, tenants_max=10)
        async with served(app) as client:
            return await client.ask("/observed")

    answer = uvloop.run(main())
    assert answer.status == 404
    assert "mode: observe" in answer.error["message"]


def test_state_names_the_mode() -> None:
    shadow = Shadow(SchedulerSettings(tenants=TENANTS), tenants_max=10)
    (answer,) = observed(shadow, "/state")
    assert answer.json["mode"] == "observe"
