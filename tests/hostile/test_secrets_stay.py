"""Secrets and prompts go where they belong and nowhere else: not into logs, metrics, state, errors."""

import json
from pathlib import Path

from support.on_loop import run_on_loop
from support.raw_http import RawAnswer, exchange
from support.scripted_engine import Answer, ScriptedEngine
from support.serve import ADMIN_KEY, KEY_A, KEY_B, Served, configuration, serving, url_engine

ENGINE_KEY = "sk-engine-canary-0123456789abcdef"
PROMPT = "prompt-canary"
STRANGER = "sk-stranger-canary-0123456789abcdef"
CANARIES = {
    "a client's key": KEY_A,
    "another client's key": KEY_B,
    "an unknown key": STRANGER,
    "the admin credential": ADMIN_KEY,
    "the engine's key": ENGINE_KEY,
    "a prompt": PROMPT,
}
CHAT = {"model": "m", "messages": [{"role": "user", "content": PROMPT}], "max_tokens": 8}
PATH = "/v1/chat/completions"


def leaks(text: str) -> set[str]:
    return {what for what, canary in CANARIES.items() if canary in text}


async def raw(served: Served, head: str, body: bytes = b"") -> RawAnswer:
    return await exchange(served.host, served.port, head, body)


async def clients_answers(served: Served) -> list[RawAnswer]:
    """Every way to be refused, with secrets in all the wrong places."""
    bearer = f"Host: g\r\nAuthorization: Bearer {KEY_A}"
    chat = json.dumps(CHAT).encode()
    with_key = f"POST {PATH} HTTP/1.1\r\n{bearer}"
    broken = [
        chat[:-1],
        b"[" + chat + b"]",
        chat[:-1] + b', "messages": []}',
        chat[:-1] + b', "n": "' + PROMPT.encode() + b'"}',
        chat[:-1] + b', "stream": "' + KEY_A.encode() + b'"}',
        chat[:-1] + b', "stream_options": "' + PROMPT.encode() + b'"}',
        json.dumps(CHAT | {"prompt": [{"x": PROMPT}]}).encode(),
        json.dumps({"messages": PROMPT}).encode(),
        PROMPT.encode() + b"\xff",
    ]
    answers = [await raw(served, with_key, body) for body in broken]
    heads = [
        f"POST {PATH} HTTP/1.1\r\nHost: g\r\nAuthorization: Bearer {STRANGER}",
        f"POST {PATH} HTTP/1.1\r\nHost: g\r\nAuthorization: {KEY_A}",
        f"POST {PATH} HTTP/1.1\r\nHost: g\r\nx-api-key: {STRANGER}",
        f"POST {PATH} HTTP/1.1\r\nHost: g\r\nx-goog-api-key: {KEY_A}",
        f"POST {PATH}?api_key={KEY_A} HTTP/1.1\r\nHost: g",
        f"POST /nowhere?api_key={KEY_A} HTTP/1.1\r\n{bearer}",
        f"PUT {PATH}?key={KEY_A} HTTP/1.1\r\n{bearer}",
        f"{with_key}\r\nAuthorization: Bearer {KEY_B}",
        f"{with_key}\r\nX-Evenhand-Interaction: {PROMPT} {KEY_B}",
        f"{with_key}\r\n{KEY_B}",
        f"{with_key}\r\nX-{KEY_B}_: x",
        f"{with_key}\r\nExpect: {KEY_B}",
        f"{with_key}\r\nContent-Encoding: {KEY_B}",
        f"{with_key}\r\nTransfer-Encoding: {KEY_B}",
        f"{with_key}\r\nX-Big: {KEY_B * 500}",
        f"POST {PATH} HTTP/1.1\r\nHost: {KEY_A}@g\r\nAuthorization: Bearer {KEY_A}",
        f"{KEY_A} {PATH} HTTP/1.1\r\nHost: g",
    ]
    return answers + [await raw(served, head, chat) for head in heads]


def test_no_secret_is_in_what_anybody_sees(tmp_path: Path) -> None:
    async def main() -> None:
        async with ScriptedEngine() as engine:
            config = configuration(
                url_engine(engine.url, api_key="env:ENGINE_KEY"),
                state={"folder": "state"},
                traffic_log={"file": "traffic.jsonl", "block_bytes": 64},
            )
            environment = {"ENGINE_KEY": ENGINE_KEY}
            async with serving(config, folder=tmp_path, environment=environment) as served:
                await served.logged("engine", up=True)
                answers = await clients_answers(served)
                assert all(answer.status >= 400 for answer in answers)
                assert not engine.requests
                answers += await engines_answers(served, engine)
                answers += [
                    await served.admin("/metrics"),
                    await served.admin("/state"),
                    await served.admin("/readyz"),
                    await served.admin("/metrics", key=KEY_A),
                    await served.admin(f"/state?credential={ADMIN_KEY}", key=STRANGER),
                    await served.admin(f"/nowhere?key={ADMIN_KEY}"),
                ]
                await engine.crash()
                answers.append(await served.post(CHAT))
                await served.logged("engine", up=False)
                answers.append(await served.admin("/state"))
                assert await served.stop() == 0
                for answer in answers:
                    seen = str(answer.headers) + answer.body.decode()
                    assert not leaks(seen), seen
                assert len(served.lines) > len(answers) / 2
                assert not leaks(served.output), served.output
            state = [file for file in (tmp_path / "state").iterdir() if file.is_file()]
            assert any(b"req_" in file.read_bytes() for file in state), "something was booked"
            traffic = tmp_path / "traffic.jsonl"
            for file in (*state, traffic):
                assert not leaks(file.read_bytes().decode("latin-1")), file

    run_on_loop(main)


async def engines_answers(served: Served, engine: ScriptedEngine) -> list[RawAnswer]:
    """What comes of an engine that knows its key and tells it, and of one that breaks."""
    faults = [
        Answer(status=401, error_message=f"bad key {ENGINE_KEY}"),
        Answer(status=403, error_message=f"bad key {ENGINE_KEY}"),
        Answer(status=500, error_message=f"{ENGINE_KEY} {PROMPT}"),
        Answer(status=503, error_message=f"{ENGINE_KEY} {PROMPT}"),
        Answer(raw=f"HTTP/1.1 200 {ENGINE_KEY}\r\n{PROMPT}\r\n\r\n".encode()),
        Answer(cut_after_bytes=20),
        Answer(headers=(("set-cookie", ENGINE_KEY), ("x-engine", PROMPT))),
    ]
    engine.script(*faults)
    answers = [await served.post(CHAT) for _ in faults]
    assert [answer.status for answer in answers[:4]] == [502] * 4
    assert answers[-1].status == 200
    key = engine.requests[0].header("authorization")
    assert key == f"Bearer {ENGINE_KEY}", "the engine alone gets it"
    return answers


def test_what_a_client_types_makes_one_plain_line_each(tmp_path: Path) -> None:
    nasty = 'x\r\n{"event":"request","tenant":"b"}\n\x1b[31mred\x1b[0m\x00\u202e\u2028\x85'
    escapes = "%0d%0a%1b%5b31m"

    async def main() -> None:
        async with (
            ScriptedEngine() as engine,
            serving(configuration(url_engine(engine.url)), folder=tmp_path) as served,
        ):
            await served.logged("engine", up=True)
            before = len(served.raw_stderr)
            statuses = [
                (await served.post(CHAT | {"model": nasty})).status,
                (await served.post(CHAT | {"user": nasty, nasty: nasty})).status,
                (await served.post(CHAT, path=f"/v1/{escapes}")).status,
                (await served.post(CHAT, path=f"{PATH}?{escapes}")).status,
                (await served.post(CHAT, headers={"X-Evenhand-Interaction": escapes})).status,
                (await served.post(CHAT, headers={"X-Evenhand-Interaction": "\x1b[31m"})).status,
                (await served.post(CHAT, headers={"X-Evenhand-Interaction": "ok:1"})).status,
            ]
            assert statuses == [403, 200, 404, 200, 400, 400, 200]
            engine.default = Answer(status=400, error_message=nasty)
            assert (await served.post(CHAT)).status == 400
            engine.default = Answer(raw=f"HTTP/1.1 {nasty}\r\n\r\n".encode())
            assert (await served.post(CHAT)).status == 502
            assert await served.stop() == 0
            lines = served.raw_stderr[before:]
            ours = [json.loads(line)["event"] for line in lines]
            asked = [event for event in ours if event in {"request", "refused", "refused_at_edge"}]
            assert len(asked) == len(statuses) + 2, "one line each"
            for line in lines:
                assert line.endswith(b"\n")
                assert line[:-1].decode("ascii").isprintable(), line
            assert all(line.get("tenant") in {"a", None} for line in served.lines)

    run_on_loop(main)
