"""What reaches the engine, and what reaches the client: JSON-equal, but for what must not pass."""

import json
from typing import Any

import pytest
import uvloop

from evenhand.model import InteractionId, Outcome, TrustDomain
from evenhand.wire.carriers import CARRIERS
from evenhand.wire.dialect import EngineKind
from support.gateway import CHAT, KEY_A, KEY_B, STREAM, Backend, Setup, gateway, identity
from support.scripted_engine import Answer, ScriptedEngine

LEAKY = (("server", "secret-engine/1.0"), ("x-engine-host", "10.0.0.7"), ("set-cookie", "a=b"))
OURS = {"host", "content-type", "content-length", "x-request-id", "accept-encoding", "accept"}
ODD = {
    "unknown": {"kept": [1, 2.5, None, True, '\u00e9\\"', 12345678901234567890123]},
    "temperature": 0.1,
    "stop": ["\n\n", "\u2028"],
}


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("path", ["/v1/chat/completions", "/v1/completions"])
def test_bodies_pass_json_equal_and_headers_are_built_anew(path: str, stream: bool) -> None:
    async def main() -> None:
        asked = {"model": "m", "prompt": "a b c", "messages": [], "stream": stream, **ODD}
        forged = {"X-Forwarded-For": "1.2.3.4", "Cookie": "c=1", "X-Evenhand-Interaction": "run-7"}
        async with ScriptedEngine() as engine, gateway(Backend(engine, EngineKind.OPENAI)) as g:
            engine.default = Answer(tokens=3, headers=LEAKY)
            answer = await g.post(asked, path=path, headers=forged)
            assert answer.status == 200
            (sent,) = engine.requests
            assert sent.path == path
            assert sent.json == asked, "an openai engine gets no field added"
            assert {name for name, _ in sent.headers} <= OURS
            assert not {name for name, _ in LEAKY} & answer.headers.keys()
            assert answer.headers["x-evenhand-interaction"] == InteractionId("run-7")
            assert answer.headers["x-request-id"] == sent.header("x-request-id")
            kind = "text/event-stream" if stream else "application/json"
            assert answer.headers["content-type"] == kind
            if not stream:
                assert answer.json["usage"]["completion_tokens"] == 3

    uvloop.run(main())


def test_a_whole_answer_reaches_the_client_byte_for_byte() -> None:
    async def main() -> None:
        body = b'{ "choices" : [ {"message":{"content":"\\u00e9"}} ],\n"odd":1e3,"odd":[]}'
        head = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n"
        async with ScriptedEngine() as engine, gateway(Backend(engine)) as g:
            engine.default = Answer(raw=head % len(body) + body)
            assert (await g.post(CHAT)).body == body

    uvloop.run(main())


def test_a_stream_reaches_the_client_event_by_event_as_the_engine_wrote_it() -> None:
    async def main() -> None:
        async with ScriptedEngine() as engine, gateway(Backend(engine, EngineKind.OPENAI)) as g:
            engine.default = Answer(tokens=3, gated=True, bytes_per_write=7)
            stream = await g.stream(STREAM)
            request = await engine.received(1)
            said: list[str] = []
            for token in range(3):
                request.step()
                while len(said) <= token:
                    delta = json.loads(await stream.event() or b"")["choices"][0]["delta"]
                    said += [delta["content"]] if delta.get("content") else []
                assert request.tokens_produced == token + 1, "it came before the next was made"
            assert said == ["w0 ", "w1 ", "w2 "]
            await stream.events()
            assert stream.is_whole

    uvloop.run(main())


@pytest.mark.parametrize("kind", list(EngineKind))
def test_no_carrier_passes_in_any_spelling(kind: EngineKind) -> None:
    async def main() -> None:
        members = ['"model":"m"', '"messages":[]', '"keep\\u0021":"\\ud83d\\ude00"']
        for index, name in enumerate(sorted(CARRIERS)):
            escaped = "".join(f"\\u{ord(c):04X}" if i % 2 else c for i, c in enumerate(name))
            members.append(f'"{escaped if index % 2 else name}" : {{"forged":[",","}}"]}}')
        body = ("{" + " , ".join(members) + "}").encode()
        async with ScriptedEngine() as engine, gateway(Backend(engine, kind)) as g:
            assert (await g.post(body)).status == 200
            added = (
                {"cache_prompt"} if kind in (EngineKind.EMBEDDED, EngineKind.LLAMACPP) else set()
            )
            sent = engine.requests[0].json
            assert sent.keys() == {"model", "messages", "keep!"} | added
            assert b"forged" not in engine.requests[0].body

    uvloop.run(main())


@pytest.mark.parametrize("domains", [("one", "one"), ("one", "two")])
def test_each_trust_domain_has_its_own_cache_salt_and_a_single_one_has_none(
    domains: tuple[str, str],
) -> None:
    async def main() -> None:
        a, b = domains
        keys = {
            KEY_A: identity("a", trust_domain=TrustDomain(a)),
            KEY_B: identity("b", trust_domain=TrustDomain(b)),
        }
        async with ScriptedEngine() as engine, gateway(Backend(engine), setup=Setup(keys)) as g:
            for key in (KEY_A, KEY_B, KEY_A):
                await g.post({**CHAT, "cache_salt": "theirs"}, key=key)
            salts = [request.json.get("cache_salt") for request in engine.requests]
            if a == b:
                assert salts == [None] * 3
            else:
                assert salts[0] == salts[2] != salts[1]
                assert all(len(salt) >= 32 for salt in salts)

    uvloop.run(main())


@pytest.mark.parametrize(("domains", "cache_prompt"), [(1, True), (2, False)])
def test_an_engine_without_salts_reuses_prompts_only_within_one_domain(
    domains: int, cache_prompt: bool
) -> None:
    async def main() -> None:
        other = TrustDomain("one" if domains == 1 else "two")
        keys = {KEY_A: identity("a"), KEY_B: identity("b", trust_domain=other)}
        backend_kind = EngineKind.LLAMACPP
        async with ScriptedEngine() as engine:
            async with gateway(Backend(engine, backend_kind), setup=Setup(keys)) as g:
                await g.post({**CHAT, "cache_prompt": not cache_prompt})
            assert engine.requests[0].json["cache_prompt"] is cache_prompt

    uvloop.run(main())


@pytest.mark.parametrize("kind", list(EngineKind))
@pytest.mark.parametrize(
    "options",
    [
        None,
        {},
        {"include_usage": False},
        {"include_usage": True},
        {"include_usage": True, "continuous_usage_stats": True},
        {"continuous_usage_stats": True},
        {"include_usage": True, "mystery": 1},
    ],
)
def test_the_client_gets_the_usage_it_asked_for_and_no_other(
    kind: EngineKind, options: dict[str, Any] | None
) -> None:
    async def main() -> None:
        asked = STREAM if options is None else {**STREAM, "stream_options": options}
        wants = bool(options and options.get("include_usage"))
        wants_each = wants and bool(options and options.get("continuous_usage_stats"))
        async with ScriptedEngine() as engine, gateway(Backend(engine, kind)) as g:
            engine.default = Answer(tokens=3, prompt_tokens=9)
            answer = await (await g.stream(asked)).answer()
            sent = engine.requests[0].json
            if kind is EngineKind.OPENAI:
                assert sent == asked
            else:
                assert sent["stream_options"]["include_usage"] is True
                assert sent["stream_options"].get("mystery") == (options or {}).get("mystery")
            *events, done = answer.body.strip().split(b"\n\n")
            assert done == b"data: [DONE]"
            chunks = [json.loads(event.removeprefix(b"data: ")) for event in events]
            finals = [chunk for chunk in chunks if not chunk["choices"]]
            assert len(finals) == (1 if wants else 0)
            others = [chunk for chunk in chunks if chunk["choices"]]
            assert all(("usage" in chunk) == wants_each for chunk in others)
            (record,) = await g.ended(1)
            assert (record["outcome"], record["output_tokens"]) == (Outcome.COMPLETED, 3)
            is_told = wants or kind is not EngineKind.OPENAI
            assert record["usage_is_estimate"] is not is_told

    uvloop.run(main())


def test_a_kept_connection_serves_streams_and_answers_in_turn() -> None:
    async def main() -> None:
        async with ScriptedEngine() as engine, gateway(Backend(engine)) as g:
            stream = await g.stream(STREAM)
            assert (await stream.answer()).is_whole
            for asked in (CHAT, STREAM, CHAT):
                body = json.dumps(asked).encode()
                stream.writer.write(
                    b"POST /v1/chat/completions HTTP/1.1\r\nHost: g\r\nAuthorization: Bearer "
                    + KEY_A.encode()
                    + b"\r\nContent-Length: %d\r\n\r\n" % len(body)
                    + body
                )
                stream.begin_next()
                assert (await stream.answer()).status == 200
            assert engine.connections_made == 1
            assert len(await g.ended(4)) == 4

    uvloop.run(main())
