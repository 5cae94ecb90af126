"""Thousands of requests with clients that leave and engines that die: one settlement each, and not a
token that cannot be found in what the engines and the clients saw.

The recount knows nothing of ours but the ledger's file: it reads the engines' logs, the clients'
transcripts and the rows. `EVENHAND_CHAOS=10000` is what CI runs.
"""

import asyncio
import contextlib
import json
import os
import random
from dataclasses import dataclass, field
from typing import Any

import pytest

from evenhand.gateway.bookkeeping import BookingSettings
from evenhand.ledger import Budget, Price, PriceBook
from evenhand.model import ModelName
from evenhand.stores.usage_line import UsageLine
from support.gateway import KEY_A, KEY_B, Backend, RunningGateway, Setup, gateway, identity
from support.ledger import Row, resolutions, used
from support.on_loop import run_on_loop
from support.scripted_engine import Answer, ScriptedEngine
from support.statements import check_statements

REQUESTS = int(os.environ.get("EVENHAND_CHAOS", "2000"))
AT_ONCE = 40
PRICE = Price(currency="EUR", input=150_000_000, cached_input=15_000_000, output=600_000_000)


@dataclass
class Transcript:
    """What one client saw."""

    number: int
    is_stream: bool
    tenant: str
    status: int = 0
    tokens: int = 0
    """Of a stream, its events with text."""
    is_whole: bool = False
    usage: dict[str, Any] = field(default_factory=dict)
    request_id: str = ""


@pytest.mark.timeout(600)
def test_each_request_is_settled_once_and_as_the_engines_and_clients_saw_it() -> None:
    transcripts: list[Transcript] = []

    async def main() -> None:
        chance = random.Random(7)
        setup = Setup(
            keys={
                KEY_A: identity("a"),
                KEY_B: identity("b", budget=Budget(tokens_max=10**9)),
            },
            booking=BookingSettings(prices=PriceBook.fixed({ModelName("m"): PRICE})),
        )
        async with (
            ScriptedEngine() as first,
            ScriptedEngine() as second,
            gateway(Backend(first, window=12), Backend(second, window=12), setup=setup) as g,
        ):
            engines = (first, second)
            for engine in engines:
                engine.script(*(_some_answer(chance) for _ in range(2 * REQUESTS)))
            numbers = iter(range(REQUESTS))

            async def client() -> None:
                for number in numbers:
                    seen = await _ask(g, number, random.Random(number))
                    transcripts.append(seen)

            async def grim_reaper() -> None:
                while True:
                    await asyncio.sleep(0.3)
                    engine = chance.choice(engines)
                    await engine.crash()
                    await engine.listen()

            reaper = asyncio.create_task(grim_reaper())
            await asyncio.gather(*(client() for _ in range(AT_ONCE)))
            reaper.cancel()
            await g.at_rest()
            await g.written()
            assert len(transcripts) == REQUESTS
            _recount(g, engines, transcripts)

    run_on_loop(main, limit_s=590)


def _some_answer(chance: random.Random) -> Answer:
    tokens = chance.randint(0, 12)
    kind = chance.random()
    if kind < 0.70:
        return Answer(tokens=tokens, token_delay_s=chance.choice((0, 0, 0.001)))
    if kind < 0.78:
        return Answer(status=chance.choice((400, 500, 503)))
    if kind < 0.90:
        return Answer(tokens=tokens, cut_after_tokens=chance.randint(0, tokens), reset=kind < 0.84)
    return Answer(tokens=tokens, cut_after_bytes=chance.randint(0, 900))


async def _ask(g: RunningGateway, number: int, chance: random.Random) -> Transcript:
    is_stream = chance.random() < 0.6
    tenant = chance.choice("ab")
    seen = Transcript(number, is_stream, tenant)
    body = {
        "model": "m",
        "messages": [{"role": "user", "content": f"q{number} " + "word " * chance.randint(0, 30)}],
        "max_tokens": chance.randint(1, 10),
        "stream": seen.is_stream,
    }
    if seen.is_stream:
        body["stream_options"] = {"include_usage": True}
    stream = await g.stream(body, key=KEY_A if tenant == "a" else KEY_B)
    patience = chance.choice((None, None, None, None, 0, 1, 3))
    try:
        if patience == 0:
            await asyncio.sleep(chance.random() * 0.01)
        elif seen.is_stream:
            await _read_stream(stream, seen, patience)
        else:
            await _read_whole(stream, seen, patience)
    finally:
        seen.request_id = stream.headers.get("x-request-id", "")
        stream.leave()
    return seen


async def _read_whole(stream: Any, seen: Transcript, patience: int | None) -> None:
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(None if patience is None else patience / 1000):
            answer = await stream.answer()
            seen.status, seen.is_whole = answer.status, answer.is_whole
            if seen.is_whole and seen.status == 200:
                seen.usage = answer.json["usage"]


async def _read_stream(stream: Any, seen: Transcript, patience: int | None) -> None:
    seen.status = await stream.head()
    if seen.status != 200:
        await stream.answer()
        return
    is_done = False
    while (event := await stream.event()) is not None:
        if event == b"[DONE]":
            is_done = True
            continue
        chunk = json.loads(event)
        seen.usage = chunk.get("usage") or seen.usage
        seen.tokens += sum(
            bool(choice["delta"].get("content")) for choice in chunk.get("choices", ())
        )
        if patience is not None and seen.tokens >= patience:
            return
    seen.is_whole = stream.is_whole and is_done


def _recount(
    g: RunningGateway, engines: tuple[ScriptedEngine, ...], transcripts: list[Transcript]
) -> None:
    booked = resolutions(g.database)
    totals = check_statements(g.database, ("a", "b"), booked)
    produced: dict[str, int] = {}
    prompts: dict[str, int] = {}
    asked: dict[int, str] = {}
    for engine in engines:
        for request in engine.requests:
            request_id = request.header("x-request-id")
            assert request_id is not None
            content = request.json["messages"][0]["content"]
            asked[int(content.split()[0][1:])] = request_id
            produced[request_id] = produced.get(request_id, 0) + request.tokens_produced
            prompts[request_id] = len(content.split())
    _statements_against_clients(totals, transcripts, dict(booked))
    endings = dict.fromkeys(("whole", "broken", "refused"), 0)
    for seen in transcripts:
        request_id = seen.request_id or asked.get(seen.number, "")
        if not request_id:
            continue  # it left before anybody but the gateway knew it
        transfers = booked.pop(request_id)
        assert [row["kind"] for row in transfers[1:2]] in (["settle"], ["void"])
        _, _, output_tokens = used(transfers)
        assert output_tokens <= produced.get(request_id, 0), "never more than was produced"
        assert output_tokens >= seen.tokens, "never less than was delivered"
        if seen.is_whole and seen.status == 200:
            endings["whole"] += 1
            assert transfers[1]["outcome"] == "completed"
            assert used(transfers)[0] == prompts[request_id] == seen.usage["prompt_tokens"]
            assert output_tokens == seen.usage["completion_tokens"]
            assert sum(row["nano"] for row in transfers[1:]) == _price(seen.usage)
        elif seen.status >= 400:
            endings["refused"] += 1
            assert transfers[1]["kind"] == "void"
        else:
            endings["broken"] += 1
    assert all(count > REQUESTS / 50 for count in endings.values()), endings
    for transfers in booked.values():
        # Sent to an engine that died, or hung up on, before the engine had read it.
        assert used(transfers)[2] == 0, "nobody saw it, and so nobody pays for an answer"
        assert transfers[1]["kind"] == "void" or transfers[1]["is_estimate"]


def _statements_against_clients(
    totals: dict[str, UsageLine],
    transcripts: list[Transcript],
    booked: dict[str, list[Row]],
) -> None:
    """A tenant's statement is what its clients were told, where they were told all, and of the rest what
    was booked: never less than they saw."""
    for tenant, total in totals.items():
        whole = [0, 0, 0]
        rest, seen_of_rest = [0, 0, 0], 0
        told = {}
        for seen in transcripts:
            if seen.tenant == tenant and seen.is_whole and seen.status == 200:
                told[seen.request_id] = seen
                whole[0] += seen.usage["prompt_tokens"]
                whole[1] += seen.usage["completion_tokens"]
                whole[2] += _price(seen.usage)
            elif seen.tenant == tenant:
                seen_of_rest += seen.tokens
        accounts = {booked[request_id][0]["debit"] for request_id in told}
        for request_id, transfers in booked.items():
            if transfers[0]["debit"] not in accounts or request_id in told:
                continue
            input_tokens, _, output_tokens = used(transfers)
            nano = sum(row["nano"] for row in transfers[1:])
            for place, amount in enumerate((input_tokens, output_tokens, nano)):
                rest[place] += amount
        stated = [total.input_tokens, total.output_tokens, sum(total.nano.values())]
        assert stated == [a + b for a, b in zip(whole, rest, strict=True)]
        assert rest[1] >= seen_of_rest, "never less than was delivered"


def _price(usage: dict[str, Any]) -> int:
    return int(usage["prompt_tokens"]) * 150 + int(usage["completion_tokens"]) * 600
