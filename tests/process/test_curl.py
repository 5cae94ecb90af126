"""curl, as people try a gateway out."""

import asyncio
import json
import shutil
from asyncio.subprocess import PIPE
from dataclasses import dataclass

import pytest

from evenhand.gateway.http import EdgeSettings
from support.gateway import KEY_A, Backend, RunningGateway, Setup, gateway
from support.on_loop import run_on_loop
from support.scripted_engine import Answer, ScriptedEngine

pytestmark = pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")

CHAT = {"model": "m", "messages": [{"role": "user", "content": "hello there"}], "max_tokens": 8}
COMPLETIONS = "/v1/chat/completions"
LARGE = json.dumps(CHAT | {"messages": [{"role": "user", "content": "x" * 2_000_000}]}).encode()


@dataclass
class Curled:
    """What curl wrote, how it ended, and what it says of the wire."""

    code: int
    body: bytes
    heads: bytes
    status: int
    uploaded_bytes: int


async def curl(
    g: RunningGateway, path: str, *options: str, key: str = KEY_A, stdin: bytes = b""
) -> Curled:
    """Run curl against the gateway with that key; `-v` gives the heads."""
    process = await asyncio.create_subprocess_exec(
        *("curl", "-sSv", "--max-time", "15", "-w", "%{stderr}\n=%{http_code},%{size_upload}"),
        *("-H", f"Authorization: Bearer {key}", *options, f"{g.url}{path}"),
        stdin=PIPE,
        stdout=PIPE,
        stderr=PIPE,
    )
    body, heads = await process.communicate(stdin)
    assert process.returncode is not None
    status, _, uploaded = heads.rpartition(b"=")[2].partition(b",")
    return Curled(process.returncode, body, heads, int(status), int(uploaded))


def test_a_stream_arrives_token_by_token() -> None:
    async def main() -> None:
        async with ScriptedEngine() as engine, gateway(Backend(engine)) as g:
            engine.default = Answer(tokens=3, gated=True)
            body = json.dumps(CHAT | {"stream": True})
            process = await asyncio.create_subprocess_exec(
                *("curl", "-sN", "-H", f"Authorization: Bearer {KEY_A}", "-d", body),
                *("-H", "Content-Type: application/json", f"{g.url}{COMPLETIONS}"),
                stdout=PIPE,
            )
            assert process.stdout is not None
            request = await engine.received(1)
            for token in range(3):
                request.step()
                await process.stdout.readuntil(f'"content":"w{token} "'.encode())
                assert request.tokens_produced == token + 1, "before the next one is produced"
            rest = await process.stdout.read()
            assert rest.endswith(b"data: [DONE]\n\n")
            assert await process.wait() == 0

    run_on_loop(main)


def test_a_bad_key_is_told_what_to_send() -> None:
    async def main() -> None:
        async with ScriptedEngine() as engine, gateway(Backend(engine)) as g:
            answer = await curl(g, COMPLETIONS, "-d", json.dumps(CHAT), key="nobody")
            assert (answer.code, answer.status) == (0, 401)
            assert "Bearer" in json.loads(answer.body)["error"]["message"]
            assert not engine.requests

    run_on_loop(main)


def test_a_large_body_is_sent_once_it_is_welcome() -> None:
    async def main() -> None:
        async with ScriptedEngine() as engine, gateway(Backend(engine)) as g:
            expect = ("-H", "Expect: 100-continue", "--expect100-timeout", "10")
            answer = await curl(g, COMPLETIONS, *expect, "--data-binary", "@-", stdin=LARGE)
            assert (answer.code, answer.status) == (0, 200)
            assert b"HTTP/1.1 100 Continue" in answer.heads
            assert answer.uploaded_bytes == len(LARGE)
            assert engine.requests[0].json == json.loads(LARGE)

    run_on_loop(main)


@pytest.mark.parametrize("why", ["bad key", "too large"])
def test_a_large_body_that_is_not_welcome_is_not_sent(why: str) -> None:
    async def main() -> None:
        setup = Setup(
            edge=EdgeSettings(body_bytes_max=1_000_000 if why == "too large" else 1 << 23)
        )
        async with ScriptedEngine() as engine, gateway(Backend(engine), setup=setup) as g:
            answer = await curl(
                *(g, COMPLETIONS, "-H", "Expect: 100-continue", "--expect100-timeout", "10"),
                *("--data-binary", "@-"),
                key=KEY_A if why == "too large" else "nobody",
                stdin=LARGE,
            )
            assert answer.status == (413 if why == "too large" else 401)
            assert b"100 Continue" not in answer.heads
            assert answer.uploaded_bytes == 0

    run_on_loop(main)


def test_a_chunked_upload_is_put_together() -> None:
    async def main() -> None:
        async with ScriptedEngine() as engine, gateway(Backend(engine)) as g:
            chunked = ("-H", "Transfer-Encoding: chunked", "--data-binary", "@-")
            answer = await curl(g, COMPLETIONS, *chunked, stdin=LARGE)
            assert (answer.code, answer.status) == (0, 200)
            assert engine.requests[0].json == json.loads(LARGE)
            assert engine.requests[0].header("content-length") is not None

    run_on_loop(main)


def test_http2_without_an_offer_is_refused_at_once() -> None:
    async def main() -> None:
        async with ScriptedEngine() as engine, gateway(Backend(engine)) as g:
            body = ("-d", json.dumps(CHAT))
            answer = await curl(g, COMPLETIONS, "--http2-prior-knowledge", *body)
            assert answer.code not in {0, 28}, "an error, and not for lack of time"
            assert answer.status == 0
            assert not engine.requests

    run_on_loop(main)


def test_an_offer_of_http2_is_ignored() -> None:
    async def main() -> None:
        async with ScriptedEngine() as engine, gateway(Backend(engine)) as g:
            answer = await curl(g, COMPLETIONS, "--http2", "-d", json.dumps(CHAT))
            assert (answer.code, answer.status) == (0, 200)
            assert b"< HTTP/1.1 200" in answer.heads

    run_on_loop(main)


def test_two_requests_share_a_connection() -> None:
    async def main() -> None:
        async with ScriptedEngine() as engine, gateway(Backend(engine)) as g:
            answer = await curl(g, "/v1/models", f"{g.url}/v1/models")
            assert answer.code == 0
            assert b"Re-using existing connection" in answer.heads
            assert answer.body.count(b'"object":"list"') == 2
            assert not engine.requests

    run_on_loop(main)


METHODS = [
    ("HEAD", "/v1/models", 200, None),
    ("OPTIONS", "/v1/models", 405, "GET, HEAD"),
    ("POST", "/v1/models", 405, "GET, HEAD"),
    ("HEAD", COMPLETIONS, 405, "POST"),
    ("GET", COMPLETIONS, 405, "POST"),
    ("OPTIONS", COMPLETIONS, 405, "POST"),
    ("DELETE", "/v1/completions", 405, "POST"),
    ("HEAD", "/v1/embeddings", 405, "POST"),
    ("GET", "/v1/embeddings", 405, "POST"),
    ("GET", "/v1/embeddings/", 404, None),
    ("HEAD", "/", 404, None),
    ("OPTIONS", "/v1", 404, None),
    ("GET", "/v1/models/", 404, None),
]


def test_methods_and_paths_are_answered_without_a_body_for_head() -> None:
    async def main() -> None:
        async with ScriptedEngine() as engine, gateway(Backend(engine)) as g:
            for method, path, status, allow in METHODS:
                how = ("-I",) if method == "HEAD" else ("-i", "-X", method)
                answer = await curl(g, path, *how)
                assert (answer.code, answer.status) == (0, status), (method, path)
                head, _, body = answer.body.partition(b"\r\n\r\n")
                assert (body == b"") is (method == "HEAD"), (method, path)
                if allow:
                    assert f"allow: {allow}".encode() in head
            assert not engine.requests

    run_on_loop(main)
