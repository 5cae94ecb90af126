"""A fault of our own ends the one call it hits, with an answer, and leaves all others be."""

from collections.abc import Callable
from typing import Any

import pytest
import uvloop

from evenhand.gateway import call as call_module
from evenhand.gateway.call import Call
from evenhand.gateway.client_answer import ClientAnswer
from evenhand.gateway.relay import Relay
from evenhand.gateway.streamed_answer import StreamedAnswer
from evenhand.model import Outcome
from evenhand.wire.stream_meter import StreamMeter
from support.gateway import KEY_B, STREAM, Backend, error_of, gateway
from support.scripted_engine import Answer, ScriptedEngine


class PlantedError(Exception):
    """Ours."""


def failing(real: Callable[..., Any], times: int, after: int = 0) -> Callable[..., Any]:
    """The function, but it raises so many times after so many good calls."""
    calls = 0

    def maybe(*args: Any, **kwargs: Any) -> Any:
        nonlocal calls
        calls += 1
        if after < calls <= after + times:
            raise PlantedError
        return real(*args, **kwargs)

    return maybe


PLANTS: dict[str, tuple[object, str, int, int]] = {
    "admission": (call_module, "let_in", 1, 0),
    "the body for the engine": (call_module, "errand", 1, 0),
    "a relay's making": (Relay, "__init__", 1, 0),
    "the head": (StreamedAnswer, "__init__", 1, 0),
    "an event": (StreamMeter, "take", 1, 0),
    "a later event": (StreamMeter, "take", 1, 4),
    "the count": (StreamMeter, "usage", 1, 0),
    "the count, again and again": (StreamMeter, "usage", 2, 0),
    "the end of the stream": (StreamedAnswer, "ending", 1, 0),
    "writing": (ClientAnswer, "stream", 1, 1),
    "telling the error": (ClientAnswer, "finish", 2, 0),
}


AFTER_DONE = ("the count", "the end of the stream")
"""Nothing is missing then: what breaks is ours alone."""

DONE_BUT_UNENDED = ("the count, again and again", "telling the error")
"""Nothing is missing either, but the end cannot be told: the connection is cut."""


@pytest.mark.parametrize("what", list(PLANTS))
def test_it_ends_that_call_alone_and_is_reported(
    what: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def main() -> None:
        owner, name, times, after = PLANTS[what]
        async with ScriptedEngine() as engine, gateway(Backend(engine)) as g:
            engine.script(Answer(tokens=4, gated=True))
            engine.default = Answer(tokens=4, token_delay_s=0.001)
            other = await g.stream(STREAM, key=KEY_B)
            request = await engine.received(1)
            request.step(2)
            for _ in range(3):
                await other.event()
            with monkeypatch.context() as patch:
                patch.setattr(owner, name, failing(getattr(owner, name), times, after))
                hit = await g.stream(STREAM)
                answer = await hit.answer()
            (record,) = await g.ended(1)
            if what in AFTER_DONE:
                assert record["outcome"] is Outcome.COMPLETED
                assert answer.body.endswith(b"data: [DONE]\n\n")
            else:
                assert record["outcome"] is Outcome.INTERNAL_ERROR
                assert (b"[DONE]" in answer.body) is (what in DONE_BUT_UNENDED)
            if answer.status != 200:
                assert (answer.status, error_of(answer)["code"]) == (500, "internal_error")
            elif times == 1:
                assert answer.is_whole
                assert (b'"internal_error"' in answer.body) is (what not in AFTER_DONE)
            else:
                assert not answer.is_whole, "cut: never a complete answer"
            assert all(isinstance(crash, PlantedError) for crash in g.crashes)
            assert len(g.crashes) == times
            g.crashes.clear()
            request.release()
            assert (await other.events())[-1] == b"[DONE]"
            assert (await g.post(STREAM)).status == 200
            assert [r["outcome"] for r in await g.ended(3)][1:] == [Outcome.COMPLETED] * 2

    uvloop.run(main())


def test_one_that_hits_a_leaving_client_still_frees_its_slot(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def main() -> None:
        async with ScriptedEngine() as engine, gateway(Backend(engine, window=1)) as g:
            engine.script(Answer(gated=True))
            stream = await g.stream(STREAM)
            request = await engine.received(1)
            with monkeypatch.context() as patch:
                patch.setattr(Call, "_used", failing(Call._used, 2))
                stream.leave()
                await request.closed_by_client.wait()
                (record,) = await g.ended(1)
            assert record["outcome"] is Outcome.INTERNAL_ERROR
            assert g.crashes
            g.crashes.clear()
            assert (await g.post(STREAM)).status == 200

    uvloop.run(main())


def test_one_while_all_are_stopped_leaves_none_open(monkeypatch: pytest.MonkeyPatch) -> None:
    async def main() -> None:
        async with ScriptedEngine() as engine, gateway(Backend(engine, window=8)) as g:
            engine.default = Answer(gated=True)
            streams = [await g.stream(STREAM) for _ in range(4)]
            await engine.received(4)
            with monkeypatch.context() as patch:
                patch.setattr(Call, "_fail", failing(Call._fail, 2))
                g.gateway.stop_calls()
            outcomes = sorted(r["outcome"] for r in await g.ended(4))
            assert outcomes == [Outcome.INTERNAL_ERROR] + [Outcome.SHUTTING_DOWN] * 3
            g.crashes.clear()
            for stream in streams:
                stream.leave()

    uvloop.run(main())
