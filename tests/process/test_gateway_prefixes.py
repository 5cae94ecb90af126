"""Prompts that begin alike, end to end: who goes first, where to, and what it is charged."""

import json
from dataclasses import replace
from typing import Any

import pytest
import uvloop

from evenhand.model import Outcome, RequestId, TrustDomain
from evenhand.scheduling import Policy, QueueLimits, Refusal, compose
from support.gateway import (
    KEY_A,
    KEY_B,
    Backend,
    RunningGateway,
    Setup,
    becomes,
    gateway,
    identity,
)
from support.scripted_engine import Answer, EngineRequest, ScriptedEngine

HANDBOOK = "You answer by the handbook. " * 100
NOVEL = "Once upon a time there was a queue. " * 100
TOKENS = 100
"""Of each prompt, as the engine counts."""
HELD = Answer(tokens=4, prompt_tokens=TOKENS, gated=True)
ONE_TENANT_TWO_DOMAINS = {
    KEY_A: identity("a", trust_domain=TrustDomain("one")),
    KEY_B: identity("a", trust_domain=TrustDomain("two")),
}


def asked(system: str, question: str = "why?") -> dict[str, Any]:
    said = [{"role": "system", "content": system}, {"role": "user", "content": question}]
    return {"model": "m", "messages": said, "max_tokens": 8, "stream": True}


def system_of(request: EngineRequest) -> str:
    return str(request.json["messages"][0]["content"])


async def served(g: RunningGateway, system: str, key: str = KEY_A, question: str = "why?") -> None:
    stream = await g.stream(asked(system, question), key=key)
    assert (await stream.answer()).status == 200


async def waiting(g: RunningGateway, count: int) -> None:
    await becomes(lambda: g.scheduler.backlog.requests == count)


async def order_behind_a_long_answer(
    policy: Policy, *, key: str = KEY_A, setup: Setup | None = None
) -> list[str]:
    """The handbook has been served to KEY_A. While the one slot is taken `key` asks a cold question and
    then one by the handbook: the systems in the order in which the engine gets them."""
    async with ScriptedEngine() as engine:
        setup = replace(setup or Setup(), policy=policy)
        async with gateway(Backend(engine, window=1), setup=setup) as g:
            await served(g, HANDBOOK)
            engine.script(HELD)
            streams = [await g.stream(asked("Be brief."), key=key)]
            await engine.received(2)
            for count, system in enumerate((NOVEL, HANDBOOK), start=1):
                streams.append(await g.stream(asked(system, "and then?"), key=key))
                await waiting(g, count)
            engine.requests[1].release()
            assert [(await stream.answer()).status for stream in streams] == [200] * 3
            return [system_of(request) for request in engine.requests[2:]]


@pytest.mark.parametrize("preset", ["dlpm", "lpm", "d2lpm"])
def test_what_begins_like_something_served_before_goes_before_what_is_cold(preset: str) -> None:
    async def main() -> None:
        assert await order_behind_a_long_answer(compose(preset)) == [HANDBOOK, NOVEL]
        # Without a look at prompts, in order of arrival.
        assert await order_behind_a_long_answer(compose("vtc")) == [NOVEL, HANDBOOK]

    uvloop.run(main())


def test_prompts_of_another_trust_domain_match_nothing() -> None:
    async def main() -> None:
        policy, setup = compose("dlpm"), Setup(keys=ONE_TENANT_TWO_DOMAINS)
        order = await order_behind_a_long_answer(policy, key=KEY_B, setup=setup)
        assert order == [NOVEL, HANDBOOK]
        order = await order_behind_a_long_answer(policy, key=KEY_A, setup=setup)
        assert order == [HANDBOOK, NOVEL]

    uvloop.run(main())


@pytest.mark.parametrize("reported", [0, 60, TOKENS])
def test_the_cached_part_is_believed_at_the_start_and_corrected_by_usage(reported: int) -> None:
    async def main() -> None:
        async with ScriptedEngine() as engine:
            engine.default = HELD
            async with gateway(Backend(engine), setup=Setup(policy=compose("dlpm"))) as g:
                # The first teaches how many tokens such a text makes.
                streams = [await g.stream(asked(HANDBOOK))]
                (await engine.received(1)).release()
                assert (await streams[0].answer()).status == 200
                engine.script(replace(HELD, cached_tokens=reported))
                streams.append(await g.stream(asked(HANDBOOK)))
                warm = await engine.received(2)
                warm_units = g.scheduler.open_units()
                warm.release()
                assert (await streams[1].answer()).status == 200
                await g.ended(2)
                streams.append(await g.stream(asked(NOVEL)))
                cold = await engine.received(3)
                cold_units = g.scheduler.open_units()
                cold.release()
                assert (await streams[2].answer()).status == 200
                records = await g.ended(3)
                # Weights 10 : 1 : 20, and the same output is expected of both.
                assert cold_units - warm_units > 8 * TOKENS
                units = [record["units"] for record in records]
                output = 4 * 20
                assert units == [
                    10 * TOKENS + output,
                    10 * (TOKENS - reported) + reported + output,
                    10 * TOKENS + output,
                ]
                # The harness holds the tree to the sum of these when all have ended.

    uvloop.run(main())


@pytest.mark.parametrize(("preset", "is_compared"), [("vtc", False), ("dlpm", True)])
def test_the_text_that_waits_beside_a_body_counts_against_the_queues_bytes(
    preset: str, *, is_compared: bool
) -> None:
    async def main() -> None:
        async with ScriptedEngine() as engine:
            engine.default = HELD
            setup = Setup(
                policy=compose(preset), queue=QueueLimits(tenant_bytes_max=2 * len(NOVEL))
            )
            async with gateway(Backend(engine, window=1), setup=setup) as g:
                running = await g.stream(asked(HANDBOOK))
                await engine.received(1)
                body = json.dumps(asked(NOVEL)).encode()
                waiting = await g.stream(body)
                await becomes(lambda: g.scheduler.backlog.requests or g.records)
                engine.default = replace(HELD, gated=False)
                engine.requests[0].release()
                assert (await running.answer()).status == 200
                if is_compared:
                    answer = await waiting.answer()
                    assert answer.status == 429
                    request_id = RequestId(answer.headers["x-request-id"])
                    past = g.scheduler._history.of(request_id)
                    assert isinstance(past, Refusal)
                    assert not past.request.prefix, "what is only remembered keeps no text"
                else:
                    assert (await waiting.answer()).status == 200

    uvloop.run(main())


ASKS = [HANDBOOK, NOVEL, NOVEL, NOVEL, HANDBOOK, HANDBOOK]
"""One after the other, but that the first is held open until the others have ended."""


async def placed(policy: Policy) -> list[tuple[str, str]]:
    """ASKS on two engines that have room for two each: what and where, in order."""
    async with ScriptedEngine() as first, ScriptedEngine() as second:
        first.default = second.default = HELD
        backends = (Backend(first, window=2), Backend(second, window=2))
        async with gateway(*backends, setup=Setup(policy=policy)) as g:
            engines = {"e0": first, "e1": second}
            got: list[tuple[str, str]] = []
            for number, system in enumerate(ASKS):
                before = {name: len(engine.requests) for name, engine in engines.items()}
                stream = await g.stream(asked(system, f"question {number}"))
                await becomes(lambda: len(first.requests + second.requests) > len(got))
                name = next(n for n, engine in engines.items() if len(engine.requests) > before[n])
                got.append((name, system_of(engines[name].requests[-1])))
                if number == 0:
                    held, home = stream, name
                    continue
                engines[name].requests[-1].release()
                assert (await stream.answer()).status == 200
            engines[home].requests[0].release()
            assert (await held.answer()).status == 200
            records = await g.ended(len(ASKS))
            assert all(record["outcome"] is Outcome.COMPLETED for record in records)
            assert [record["engine"] for record in records] == [n for n, _ in [*got[1:], got[0]]]
            return got


def homes(got: list[tuple[str, str]], system: str) -> set[str]:
    return {name for name, of in got if of == system}


@pytest.mark.parametrize("placement", ["consistent-hash", "cache-aware", "preble", "d2lpm"])
def test_prompts_that_begin_alike_meet_at_one_engine(placement: str) -> None:
    async def main() -> None:
        got = await placed(compose(placement=placement))
        assert len(homes(got, HANDBOOK)) == len(homes(got, NOVEL)) == 1
        if placement != "consistent-hash":  # which knows no load below its limit
            assert homes(got, HANDBOOK) != homes(got, NOVEL)

    uvloop.run(main())


def test_d2lpm_as_a_whole_keeps_them_together_and_by_load_alone_they_are_not() -> None:
    async def main() -> None:
        got = await placed(compose("d2lpm"))
        assert homes(got, HANDBOOK) == {"e0"}
        assert homes(got, NOVEL) == {"e1"}
        got = await placed(compose("d2lpm", placement="least-filled"))
        assert homes(got, HANDBOOK) == {"e0", "e1"}

    uvloop.run(main())


def test_by_turns_and_by_load_prompts_have_no_say() -> None:
    async def main() -> None:
        got = await placed(compose(placement="round-robin"))
        assert [name for name, _ in got] == ["e0", "e1"] * 3
        got = await placed(compose(placement="least-outstanding"))
        assert [name for name, _ in got] == ["e0"] + ["e1"] * 5

    uvloop.run(main())
