"""A hard budget holds at every instant: posted plus held never exceeds it, and the disk comes first."""

import asyncio
import json
import sqlite3
from collections import Counter
from dataclasses import replace
from typing import Any

import pytest

from evenhand.gateway.bookkeeping import BookingSettings
from evenhand.gateway.settings import CallLimits
from evenhand.ledger import Budget, Price, PriceBook
from evenhand.model import ModelName, Outcome
from evenhand.wire.dialect import EngineKind
from support.gateway import (
    CHAT,
    KEY_A,
    KEY_B,
    Backend,
    RunningGateway,
    Setup,
    becomes,
    error_of,
    gateway,
    identity,
)
from support.ledger import rows
from support.on_loop import run_on_loop
from support.raw_http import RawAnswer
from support.scripted_engine import Answer, ScriptedEngine

TEN_IDS: dict[str, Any] = {"model": "m", "prompt": list(range(10)), "max_tokens": 5}
"""At most 15 tokens, to the token."""
EUR = Price(currency="EUR", input=1_000_000_000, cached_input=0, output=2_000_000_000)
PRICED = BookingSettings(prices=PriceBook.fixed({ModelName("m"): EUR}))
COSTS_NANO = 10 * 1_000 + 5 * 2_000


def with_budget(budget: Budget) -> Setup:
    return Setup(keys={KEY_A: identity("a", budget=budget), KEY_B: identity("b")}, booking=PRICED)


def test_what_is_not_used_is_given_back_and_what_is_used_is_not() -> None:
    async def main() -> None:
        async with (
            ScriptedEngine() as engine,
            gateway(Backend(engine), setup=with_budget(Budget(tokens_max=30))) as g,
        ):
            engine.default = Answer(tokens=2, prompt_tokens=10)
            statuses = [await _ask(g) for _ in range(3)]
            # 12 used of each 15 held: 12, 24, and 15 more do not fit.
            assert [answer.status for answer in statuses] == [200, 200, 429]
            error = error_of(statuses[2])
            assert error["code"] == "budget_exhausted"
            assert error["type"] == "insufficient_quota"
            assert "24 tokens are spent" in error["message"]
            assert statuses[2].headers["x-should-retry"] == "false"
            assert (await _ask(g, max_tokens=1)).status == 429
            assert (await _ask(g, prompt=[1, 2, 3, 4], max_tokens=2)).status == 200

    run_on_loop(main)


@pytest.mark.parametrize(
    ("kind", "path", "member"),
    [
        (EngineKind.VLLM, "/v1/chat/completions", "max_tokens"),
        (EngineKind.OPENAI, "/v1/chat/completions", "max_completion_tokens"),
        (EngineKind.OPENAI, "/v1/completions", "max_tokens"),
    ],
)
def test_under_a_budget_an_answer_without_a_bound_gets_one(
    kind: EngineKind, path: str, member: str
) -> None:
    async def main() -> None:
        setup = replace(
            with_budget(Budget(tokens_max=10_000)), limits=CallLimits(output_tokens_default=3)
        )
        unbounded = {"model": "m", "messages": CHAT["messages"], "prompt": "p"}
        unbounded.pop("messages" if path == "/v1/completions" else "prompt")
        async with ScriptedEngine() as engine, gateway(Backend(engine, kind), setup=setup) as g:
            engine.default = Answer(tokens=9)
            hard = await g.post(unbounded, path=path)
            assert engine.requests[0].json == unbounded | {member: 3}
            assert hard.json["choices"][0]["finish_reason"] == "length"
            await g.post(unbounded, path=path, key=KEY_B)
            assert engine.requests[1].json == unbounded, "nobody else's body is touched"

    run_on_loop(main)


def test_a_failed_request_frees_what_it_held() -> None:
    async def main() -> None:
        async with (
            ScriptedEngine() as engine,
            gateway(Backend(engine), setup=with_budget(Budget(tokens_max=15))) as g,
        ):
            engine.script(
                Answer(status=500), Answer(status=400), Answer(tokens=5, prompt_tokens=10)
            )
            assert [(await _ask(g)).status for _ in range(3)] == [502, 400, 200]
            assert (await _ask(g)).status == 429

    run_on_loop(main)


def test_what_an_engine_produces_beyond_the_hold_is_a_transfer_of_its_own() -> None:
    async def main() -> None:
        async with (
            ScriptedEngine() as engine,
            gateway(
                Backend(engine), setup=with_budget(Budget(nano_max=10**9, currency="EUR"))
            ) as g,
        ):
            engine.default = Answer(tokens=5, prompt_tokens=17)
            assert (await _ask(g)).status == 200
            await g.at_rest()
            hold, settle, excess = rows(g.database)
            assert (hold["kind"], settle["kind"], excess["kind"]) == ("hold", "settle", "excess")
            assert (settle["input_tokens"], excess["input_tokens"]) == (10, 7)
            assert settle["nano"] + excess["nano"] == 17 * 1_000 + 5 * 2_000
            assert excess["output_tokens"] == 0

    run_on_loop(main)


def test_neither_dispatch_nor_the_last_byte_overtakes_the_disk() -> None:
    async def main() -> None:
        async with (
            ScriptedEngine() as engine,
            gateway(Backend(engine), setup=with_budget(Budget(tokens_max=1_000))) as g,
        ):
            for body in ({**TEN_IDS, "stream": True}, TEN_IDS):
                engine.default = Answer(tokens=5, gated=True, prompt_tokens=10)
                before = len(engine.requests)
                disk = sqlite3.connect(g.database, isolation_level=None)
                disk.execute("BEGIN IMMEDIATE")
                hard = await g.stream(body, path="/v1/completions")
                soft = await g.stream(CHAT, key=KEY_B)
                (await engine.received(before + 1)).release()
                assert (await soft.answer()).status == 200, (
                    "without a budget the disk is not awaited"
                )
                assert len(engine.requests) == before + 1
                disk.execute("ROLLBACK")
                request = await engine.received(before + 2)
                assert len(rows(g.database)) % 2 == 1, "its hold is on disk"

                disk.execute("BEGIN IMMEDIATE")
                request.release()
                await becomes(lambda: g.scheduler.open_requests() == 0)
                heard = asyncio.create_task(hard.events() if body.get("stream") else hard.answer())
                await asyncio.sleep(0.05)
                assert not heard.done()
                disk.execute("ROLLBACK")
                disk.close()
                whole = await heard
                assert hard.is_whole
                if isinstance(whole, list):
                    assert whole[-1] == b"[DONE]"
                kinds = [row["kind"] for row in rows(g.database)]
                assert kinds[-1] == "settle", "told, and so on disk"

    run_on_loop(main)


def test_a_client_that_leaves_while_its_hold_is_written_is_never_dispatched() -> None:
    async def main() -> None:
        async with (
            ScriptedEngine() as engine,
            gateway(Backend(engine), setup=with_budget(Budget(tokens_max=1_000))) as g,
        ):
            disk = sqlite3.connect(g.database, isolation_level=None)
            disk.execute("BEGIN IMMEDIATE")
            stream = await g.stream(TEN_IDS, path="/v1/completions")
            await becomes(lambda: g.gateway.calls and g.gateway.bookkeeping.closed_because is None)
            await becomes(lambda: g.keeper.books.open_holds == 1)
            stream.leave()
            records = await g.ended(1)
            assert records[0]["outcome"] is Outcome.CANCELLED_QUEUED
            disk.execute("ROLLBACK")
            disk.close()
            assert (await _ask(g)).status == 200
            assert len(engine.requests) == 1

    run_on_loop(main)


def test_a_ledger_that_cannot_be_written_stops_budgets_and_nobody_else() -> None:
    async def main() -> None:
        setup = replace(with_budget(Budget(tokens_max=1_000)), commit_timeout_ms=30)
        async with ScriptedEngine() as engine, gateway(Backend(engine), setup=setup) as g:
            disk = sqlite3.connect(g.database, isolation_level=None)
            disk.execute("BEGIN IMMEDIATE")
            waited = await _ask(g)
            assert (waited.status, error_of(waited)["code"]) == (503, "ledger_closed")
            at_once = await _ask(g)
            assert at_once.status == 503
            assert at_once.headers["x-should-retry"] == "true"
            assert (await g.post(CHAT, key=KEY_B)).status == 200
            disk.execute("ROLLBACK")
            disk.close()
            await becomes(lambda: g.keeper.store.is_open)
            assert (await _ask(g)).status == 200

    run_on_loop(main)


def test_what_waits_for_a_disk_that_cannot_be_written_is_bounded() -> None:
    async def main() -> None:
        setup = Setup(booking=BookingSettings(entries_max=10), commit_timeout_ms=30)
        async with ScriptedEngine() as engine, gateway(Backend(engine), setup=setup) as g:
            disk = sqlite3.connect(g.database, isolation_level=None)
            disk.execute("BEGIN IMMEDIATE")
            assert (await g.post(CHAT)).status == 200
            await becomes(lambda: not g.keeper.store.is_open)
            statuses = Counter([(await g.post(CHAT)).status for _ in range(10)])
            assert statuses == {200: 4, 503: 6}, "a hold and its settlement each"
            assert g.keeper.store.waiting_entries == 10
            disk.execute("ROLLBACK")
            disk.close()
            await becomes(lambda: g.keeper.store.is_open)
            assert (await g.post(CHAT)).status == 200

    run_on_loop(main)


def test_an_answer_that_cannot_be_recorded_is_told_and_charged() -> None:
    async def main() -> None:
        setup = replace(with_budget(Budget(tokens_max=1_000)), commit_timeout_ms=30)
        async with ScriptedEngine() as engine, gateway(Backend(engine), setup=setup) as g:
            for body in ({**TEN_IDS, "stream": True}, TEN_IDS):
                engine.default = Answer(tokens=5, gated=True, prompt_tokens=10)
                before = len(engine.requests)
                stream = await g.stream(body, path="/v1/completions")
                request = await engine.received(before + 1)
                if body.get("stream"):
                    request.step()
                    await stream.event()
                disk = sqlite3.connect(g.database, isolation_level=None)
                disk.execute("BEGIN IMMEDIATE")
                request.release()
                if body.get("stream"):
                    events = await stream.events()
                    assert json.loads(events[-1])["error"]["code"] == "not_recorded"
                    assert b"[DONE]" not in events
                else:
                    answer = await stream.answer()
                    assert answer.status == 500
                    assert answer.headers["x-should-retry"] == "false"
                disk.execute("ROLLBACK")
                disk.close()
                await becomes(lambda: g.keeper.store.is_open)
            records = await g.ended(2)
            assert {record["outcome"] for record in records} == {Outcome.NOT_RECORDED}
            assert [record["output_tokens"] for record in records] == [5, 5]

    run_on_loop(main)


def _are_done(tasks: list["asyncio.Task[RawAnswer]"], count: int) -> bool:
    return sum(task.done() for task in tasks) >= count


async def _ask(g: RunningGateway, **more: Any) -> RawAnswer:
    return await g.post({**TEN_IDS, **more}, path="/v1/completions")
