"""An engine's connection breaks after every single byte of a short answer, and in every odd stream."""

import json

import pytest
import uvloop

from evenhand.gateway.settings import CallLimits
from evenhand.model import Outcome
from support.bad_sse import BAD_SSE, long_line
from support.gateway import CHAT, STREAM, Backend, RunningGateway, Setup, error_of, gateway
from support.raw_http import RawAnswer
from support.scripted_answer import pieces
from support.scripted_engine import Answer, Framing, ScriptedEngine

SENT = {**STREAM, "stream_options": {"include_usage": True, "continuous_usage_stats": True}}


def is_cut_short(answer: RawAnswer) -> bool:
    """Held to what is promised of every end: a 502, or an error event and no `[DONE]`."""
    if answer.status == 502:
        error_of(answer)
        return True
    assert answer.status == 200
    assert answer.is_whole
    if answer.headers["content-type"] == "application/json":
        assert answer.json["choices"]
        return False
    *events, rest = answer.body.split(b"\n\n")
    assert not rest
    datas = [event.removeprefix(b"data: ") for event in events]
    if datas and datas[-1] == b"[DONE]":
        return False
    assert b"[DONE]" not in datas
    error = json.loads(datas[-1]).get("error")
    if error is None:
        return False
    assert not any("error" in json.loads(data) for data in datas[:-1])
    return True


async def asked_once(g: RunningGateway, asked: object) -> tuple[RawAnswer, Outcome, int]:
    before = len(g.records)
    answer = await g.post(asked)
    record = (await g.ended(before + 1))[before]
    return answer, record["outcome"], record["output_tokens"]


@pytest.mark.parametrize("reset", [False, True])
@pytest.mark.parametrize("framing", list(Framing))
def test_a_stream_cut_at_every_byte_ends_rightly(framing: Framing, reset: bool) -> None:
    async def main() -> None:
        whole = Answer(tokens=2, prompt_tokens=9, framing=framing)
        parts = list(pieces(whole, "/v1/chat/completions", SENT, 1))
        size = sum(len(part.data) for part in parts)
        ends = [sum(len(p.data) for p in parts[: i + 1]) for i in range(len(parts))]
        done_at = next(
            end - (0 if framing is Framing.LENGTH else 2)
            for end, part in zip(ends, parts, strict=True)
            if b"[DONE]" in part.data
        )
        # In chunks its end is two bytes before the chunk's; at a bare close its empty line may lack.
        token_ends = [end for end, part in zip(ends, parts, strict=True) if part.tokens]
        async with ScriptedEngine() as engine, gateway(Backend(engine)) as g:
            for offset in range(size):
                engine.default = Answer(
                    tokens=2, prompt_tokens=9, framing=framing, cut_after_bytes=offset, reset=reset
                )
                answer, outcome, tokens = await asked_once(g, STREAM)
                # A reset may overtake the last bytes that were on their way.
                is_lost = is_cut_short(answer)
                assert outcome is (Outcome.ENGINE_FAILED if is_lost else Outcome.COMPLETED)
                if not reset:
                    # Half an event tells nothing; a bare close is as good as any end after [DONE].
                    assert is_lost is (offset < done_at), offset
                    whole_events = sum(end <= offset for end in token_ends)
                    assert whole_events <= tokens <= whole_events + 1, offset
                assert is_lost or tokens == 2
            assert len(g.records) == size
            assert all(1 <= r["dispatches"] <= 2 for r in g.records)

    uvloop.run(main())


@pytest.mark.parametrize("reset", [False, True])
@pytest.mark.parametrize("framing", [Framing.LENGTH, Framing.CLOSE])
def test_a_whole_answer_cut_at_every_byte_ends_rightly(framing: Framing, reset: bool) -> None:
    async def main() -> None:
        whole = Answer(tokens=2, prompt_tokens=9, framing=framing)
        size = sum(len(p.data) for p in pieces(whole, "/v1/chat/completions", CHAT, 1))
        async with ScriptedEngine() as engine, gateway(Backend(engine)) as g:
            for offset in range(size):
                engine.default = Answer(
                    tokens=2, prompt_tokens=9, framing=framing, cut_after_bytes=offset, reset=reset
                )
                answer, outcome, tokens = await asked_once(g, CHAT)
                assert is_cut_short(answer), offset
                assert (outcome, tokens) == (Outcome.ENGINE_FAILED, 0)
            assert len(g.records) == size

    uvloop.run(main())


def test_with_a_second_engine_a_cut_before_the_first_event_is_never_seen() -> None:
    async def main() -> None:
        whole = Answer(tokens=1, prompt_tokens=9)
        first = [p.data for p in pieces(whole, "/v1/chat/completions", SENT, 1)][:1]
        async with ScriptedEngine() as bad, ScriptedEngine() as good:
            good.default = whole
            backends = Backend(bad, name="a", window=9), Backend(good, name="b", window=9)
            for offset in range(len(first[0])):
                bad.default = Answer(tokens=1, cut_after_bytes=offset)
                # Anew each time: an engine that fails again and again is not asked for long.
                async with gateway(*backends) as g:
                    answer, outcome, tokens = await asked_once(g, STREAM)
                    assert not is_cut_short(answer)
                    assert (outcome, tokens) == (Outcome.COMPLETED, 1)
            assert len(good.requests) == len(bad.requests) == len(first[0])

    uvloop.run(main())


ENDINGS = {
    "cut event": Outcome.ENGINE_FAILED,
    "error event": Outcome.ENGINE_FAILED,
    "empty": Outcome.ENGINE_FAILED,
}
"""What is not completed; `no end` is, because HTTP marked its end."""


@pytest.mark.parametrize("bytes_per_write", [None, 1])
@pytest.mark.parametrize("what", list(BAD_SSE))
def test_an_odd_stream_ends_once_and_rightly(what: str, bytes_per_write: int | None) -> None:
    async def main() -> None:
        async with ScriptedEngine() as engine, gateway(Backend(engine)) as g:
            engine.default = Answer(sse=BAD_SSE[what], bytes_per_write=bytes_per_write)
            answer, outcome, tokens = await asked_once(g, STREAM)
            assert outcome is ENDINGS.get(what, Outcome.COMPLETED)
            counted = (
                0 if what in ("cut event", "data after the end") else BAD_SSE[what].count(b'"hi"')
            )
            assert tokens == counted
            assert answer.is_whole
            done = answer.body.count(b"[DONE]")
            assert done == min(1, BAD_SSE[what].count(b"[DONE]")), "nothing after the end"
            if outcome is Outcome.COMPLETED:
                assert answer.body in BAD_SSE[what], "passed on as it came"

    uvloop.run(main())


def test_done_without_its_empty_line_is_done() -> None:
    async def main() -> None:
        chunk = b'data: {"choices":[{"delta":{"content":"hi"}}]}\n\n'
        async with ScriptedEngine() as engine, gateway(Backend(engine)) as g:
            for end in (b"data: [DONE]", b"data: [DONE]\n", b"data: [DONE]\r\n"):
                for framing in Framing:
                    engine.default = Answer(sse=chunk + end, framing=framing)
                    answer, outcome, _ = await asked_once(g, STREAM)
                    assert outcome is Outcome.COMPLETED
                    assert answer.body == chunk + b"data: [DONE]\n\n"

    uvloop.run(main())


def test_a_line_longer_than_any_parser_should_hold_is_given_up() -> None:
    async def main() -> None:
        setup = Setup(limits=CallLimits(event_bytes_max=1 << 20))
        async with ScriptedEngine() as engine, gateway(Backend(engine), setup=setup) as g:
            engine.default = Answer(sse=long_line(), bytes_per_write=1 << 16)
            answer, outcome, _ = await asked_once(g, STREAM)
            assert (answer.status, outcome) == (502, Outcome.ANSWER_TOO_LARGE)
            await engine.requests[0].closed_by_client.wait()
            assert engine.requests[0].bytes_sent < 10 << 20

    uvloop.run(main())
