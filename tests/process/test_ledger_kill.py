"""kill -9 at any instant under load: nothing acknowledged is lost, nothing is double, no hold is stuck.

A client that has the last byte of an answer under a budget holds an acknowledgement: its settlement must
be on disk. `EVENHAND_KILLS=30` is what CI runs, 100 the nightly target.
"""

import asyncio
import contextlib
import json
import os
import random
import signal
import socket
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from support.ledger import Row, check_books, resolutions, rows, used
from support.on_loop import run_on_loop
from support.scripted_engine import Answer, ScriptedEngine
from support.serve import KEY_A, KEY_B, Served, configuration, serving, url_engine
from support.statements import check_statements

KILLS = int(os.environ.get("EVENHAND_KILLS", "3"))
CLIENTS = 16


class Load:
    """Clients that ask until the gateway is gone, and what they were told."""

    def __init__(self) -> None:
        self.acknowledged: dict[str, tuple[int, int]] = {}
        """Requests under a budget whose last byte came, with their input and output tokens."""
        self.delivered: dict[str, int] = {}
        """Output tokens that a client has seen of each stream, whole or not."""

    async def client(self, served: Served, seed: int) -> None:
        chance = random.Random(seed)
        with contextlib.suppress(OSError, asyncio.IncompleteReadError, TimeoutError, EOFError):
            while True:
                await self._ask(served, chance)

    async def _ask(self, served: Served, chance: random.Random) -> None:
        is_hard = chance.random() < 0.5
        body: dict[str, Any] = {
            "model": "m",
            "messages": [{"role": "user", "content": "word " * chance.randint(1, 20)}],
            "max_tokens": chance.randint(1, 200),
        }
        key = KEY_A if is_hard else KEY_B
        if chance.random() < 0.6:
            body["stream_options"] = {"include_usage": True}
            await self._stream(served, {**body, "stream": True}, key, is_hard=is_hard)
            return
        answer = await served.post(body, key=key)
        if answer.is_whole and answer.status == 200 and is_hard:
            self._acknowledge(answer.headers["x-request-id"], answer.json["usage"])
        if not answer.is_whole or not answer.status:
            raise EOFError

    async def _stream(
        self, served: Served, body: dict[str, Any], key: str, *, is_hard: bool
    ) -> None:
        stream = await served.stream(body, key=key)
        usage: dict[str, Any] = {}
        is_done = False
        try:
            if await stream.head() != 200:
                raise EOFError
            request_id = stream.headers["x-request-id"]
            while (event := await stream.event()) is not None:
                if event == b"[DONE]":
                    is_done = True
                    continue
                chunk = json.loads(event)
                usage = chunk.get("usage") or usage
                seen = sum(bool(c["delta"].get("content")) for c in chunk.get("choices", ()))
                self.delivered[request_id] = self.delivered.get(request_id, 0) + seen
            if stream.is_whole and is_done and is_hard:
                self._acknowledge(request_id, usage)
            if not stream.is_whole:
                raise EOFError
        finally:
            stream.leave()

    def _acknowledge(self, request_id: str, usage: dict[str, Any]) -> None:
        self.acknowledged[request_id] = (usage["prompt_tokens"], usage["completion_tokens"])


def audit(database: Path, load: Load, engine: ScriptedEngine) -> dict[str, list[Row]]:
    """After a restart: the books are whole, and agree with what clients and engine saw."""
    check_books(database)
    assert rows(database, "SELECT * FROM mark") == []
    booked = resolutions(database)
    totals = check_statements(database, ("a", "b"), booked)
    acknowledged = [sum(tokens) for tokens in zip(*load.acknowledged.values(), strict=True)]
    if acknowledged:
        assert totals["a"].input_tokens >= acknowledged[0]
        assert totals["a"].output_tokens >= acknowledged[1]
    for request_id, tokens in load.acknowledged.items():
        assert request_id in booked, "acknowledged and lost"
        settled = booked[request_id][1]
        assert (settled["kind"], settled["outcome"]) == ("settle", "completed")
        input_tokens, _, output_tokens = used(booked[request_id])
        assert (input_tokens, output_tokens) == tokens
    produced = {request.header("x-request-id"): request for request in engine.requests}
    for request_id, transfers in booked.items():
        request = produced.get(request_id)
        most = 0 if request is None else request.tokens_produced
        assert used(transfers)[2] <= most, "never more than was produced"
    return booked


async def budgets_are_counted(served: Served, database: Path, booked: dict[str, list[Row]]) -> None:
    """A restart in the middle of a period forgets nothing of it."""
    told = (await served.admin("/api/v1/budgets")).json
    today_ms = int(datetime.now(UTC).replace(hour=0, minute=0, second=0).timestamp()) * 1000
    holds = [transfers[0] for transfers in booked.values()]
    if min((hold["at_ms"] for hold in holds), default=today_ms) < today_ms:
        return  # it was midnight meanwhile
    keys = {row["number"]: row["key"] for row in rows(database, "SELECT * FROM account")}
    for budget, key in zip(told["budgets"], ("env:KEY_A", "env:KEY_B"), strict=True):
        own = [transfers for transfers in booked.values() if keys[transfers[0]["debit"]] == key]
        tokens = sum(input_ + output for input_, _, output in map(used, own))
        assert (budget["tokens_posted"], budget["tokens_held"]) == (tokens, 0)


@pytest.mark.timeout(60 + 10 * KILLS)
def test_kill_9_under_load(tmp_path: Path) -> None:
    database = tmp_path / "state" / "evenhand.db"
    load = Load()

    async def main() -> None:
        chance = random.Random(11)
        async with ScriptedEngine() as engine:
            engine.default = Answer(tokens=200, token_delay_s=0.001)
            config = configuration(
                url_engine(engine.url, window=CLIENTS),
                state={"folder": "state"},
                budgets=[
                    {"tenant": "a", "period": "day", "tokens_max": 10**12},
                    {"key": "env:KEY_B", "period": "month", "tokens_max": 1, "mode": "soft"},
                ],
                keys=[
                    {"key": "env:KEY_A", "tenant": "a", "limits": {"tokens_max": 10**12}},
                    {"key": "env:KEY_B", "tenant": "b"},
                ],
            )
            for kill in range(KILLS):
                async with serving(config, folder=tmp_path) as served:
                    if kill:
                        booked = audit(database, load, engine)
                        await budgets_are_counted(served, database, booked)
                    await served.logged("engine", up=True)
                    clients = [
                        asyncio.create_task(load.client(served, kill * 1_000 + n))
                        for n in range(CLIENTS)
                    ]
                    await asyncio.sleep(chance.uniform(0.05, 0.8))
                    served.signal(signal.SIGKILL)
                    await served.ended()
                    await asyncio.gather(*clients)
            async with serving(config, folder=tmp_path) as served:
                booked = audit(database, load, engine)
                await budgets_are_counted(served, database, booked)
                outcomes = {transfers[1]["outcome"] for transfers in booked.values()}
                assert {"completed", "gateway_died"} <= outcomes
                assert len(load.acknowledged) > KILLS
                assert await served.stop() == 0

    run_on_loop(main, limit_s=50 + 10 * KILLS)


def test_a_gateway_that_cannot_start_leaves_nothing_of_its_state_open(tmp_path: Path) -> None:
    async def main() -> None:
        with socket.create_server(("127.0.0.1", 0)) as taken:
            port = taken.getsockname()[1]
            config = configuration(
                url_engine("http://127.0.0.1:1"),
                state={"folder": "state"},
                listen=f"127.0.0.1:{port}",
            )
            with pytest.raises(AssertionError, match="cannot listen"):
                async with serving(config, folder=tmp_path):
                    pass
        files = {file.name for file in (tmp_path / "state").iterdir()}
        assert "control.sock" not in files
        assert "evenhand.db-wal" not in files, "the database was closed in order"

    run_on_loop(main)


def test_a_second_gateway_on_the_same_state_is_refused(tmp_path: Path) -> None:
    async def main() -> None:
        async with ScriptedEngine() as engine:
            config = configuration(url_engine(engine.url), state={"folder": "state"})
            async with serving(config, folder=tmp_path):
                with pytest.raises(AssertionError, match="in use by another gateway"):
                    async with serving(config, folder=tmp_path):
                        pass
            async with serving(config, folder=tmp_path) as again:
                assert await again.stop() == 0

    run_on_loop(main)
