"""The demo's clients against a small server over real sockets."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

import pytest

from evenhand.cli.demo.load import Load
from evenhand.cli.demo.record import End
from evenhand.cli.demo.screen import summary
from evenhand.engines.http import ClientSettings, EngineAddress, EngineClient
from evenhand.model import Usage
from evenhand.workloads import Neighbours, neighbours
from support.tiny_openai import TinyServer

QUIET: Neighbours = replace(
    neighbours(1),
    chat=replace(neighbours(1).chat, per_second=20),
    batch=replace(neighbours(1).batch, outstanding=2),
    agent=replace(neighbours(1).agent, agents=1),
)


@asynccontextmanager
async def loaded(
    server: TinyServer, *tenants: str, seconds: float = 0.4, traffic: Neighbours = QUIET
) -> AsyncIterator[Load]:
    clients = {
        tenant: EngineClient(
            EngineAddress.parse(server.url),
            ClientSettings(idle_ms_max=600_000),
            headers=[("authorization", f"Bearer {tenant}")],
        )
        for tenant in tenants
    }
    try:
        yield Load(traffic, clients, model="m", seed=1, seconds=seconds)
    finally:
        for client in clients.values():
            await client.close()


def test_every_tenant_asks_with_its_own_key_and_hears_its_tokens() -> None:
    async def main() -> None:
        async with (
            TinyServer() as server,
            loaded(server, "chat", "batch", "agent", seconds=3) as load,
        ):
            await load.run()
        assert set(server.keys) == {"chat", "batch", "agent"}
        answered = [record for record in load.records if record.end is End.DONE]
        assert {record.tenant for record in answered} == {"chat", "batch", "agent"}
        for record in answered:
            assert len(record.token_at) == 3
            assert record.usage is not None
            assert record.usage.output_tokens == 3
            assert record.ended_at is not None
            assert 0 <= record.sent_at <= record.token_at[0] <= record.token_at[-1]
            assert record.token_at[-1] <= record.ended_at

    asyncio.run(main())


def test_the_bodies_are_streamed_chat_completions_that_ask_for_usage() -> None:
    async def main() -> None:
        async with TinyServer() as server, loaded(server, "chat") as load:
            await load.run()
        body = server.bodies[0]
        assert body["model"] == "m"
        assert body["stream"] is True
        assert body["stream_options"] == {"include_usage": True}
        assert body["messages"][0]["content"].startswith("chat 1:")
        assert 6 <= body["max_tokens"] <= 12

    asyncio.run(main())


def test_chat_asks_on_whether_or_not_it_is_answered() -> None:
    async def main() -> None:
        async with TinyServer(slots=1) as server, loaded(server, "chat") as load:
            server.hold = asyncio.Event()
            await load.run()
            assert [record.end for record in load.records] == [End.CUT] * 8
            assert all(record.first_token_at is None for record in load.records)
            assert load.tallies["chat"].open == 8

    asyncio.run(main())


def test_the_flood_keeps_its_number_of_requests_under_way() -> None:
    async def main() -> None:
        async with TinyServer(slots=9) as server, loaded(server, "batch") as load:
            server.hold = asyncio.Event()
            await load.run()
            assert len(load.records) == 2

    asyncio.run(main())


def test_the_end_of_a_phase_closes_what_is_open() -> None:
    async def main() -> None:
        async with TinyServer() as server, loaded(server, "chat", "batch", "agent") as load:
            server.hold = asyncio.Event()
            await load.run()
            assert {record.end for record in load.records} == {End.CUT}
            server.hold.set()
            await server.quiet.wait()  # the server has seen every connection close

    asyncio.run(main())


@pytest.mark.parametrize("tenant", ["chat", "batch", "agent"])
def test_failures_are_counted_with_the_reason_and_cause_no_storm(tenant: str) -> None:
    async def main() -> None:
        async with TinyServer(status=503) as server, loaded(server, tenant) as load:
            await load.run()
        tally = load.tallies[tenant]
        assert tally.troubles == {"503: not today": tally.failed}
        assert 0 < tally.failed <= 8
        assert {record.end for record in load.records} == {End.FAILED}

    asyncio.run(main())


def test_refusals_of_the_policy_are_counted_apart_and_cause_no_storm() -> None:
    async def main() -> None:
        async with TinyServer(status=429) as server, loaded(server, "batch") as load:
            await load.run()
        tally = load.tallies["batch"]
        assert 0 < tally.refused <= 8
        assert (tally.failed, tally.done, tally.open) == (0, 0, tally.sent - tally.refused)
        assert {record.end for record in load.records} == {End.REFUSED}
        assert "refused" in summary(load)
        assert "FAILED" not in summary(load)

    asyncio.run(main())


def test_an_answer_that_breaks_off_is_a_failure() -> None:
    async def main() -> None:
        async with TinyServer(breaks_off=True) as server, loaded(server, "batch") as load:
            await load.run()
        assert {r.trouble for r in load.records if r.end is End.FAILED} == {
            "the gateway closed the connection"
        }
        assert load.tallies["batch"].done == 0

    asyncio.run(main())


def test_usage_is_the_servers_word() -> None:
    async def main() -> None:
        async with TinyServer(tokens=2) as server, loaded(server, "chat") as load:
            await load.run()
        first = next(record for record in load.records if record.end is End.DONE)
        words = len(server.bodies[0]["messages"][0]["content"].split())
        assert first.usage == Usage(words, 2)

    asyncio.run(main())
