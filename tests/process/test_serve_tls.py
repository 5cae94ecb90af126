"""`evenhand serve` with TLS on both listeners: SDK and curl, renewal under load, and its ending."""

import asyncio
import shutil
import signal
import ssl
from asyncio.subprocess import PIPE
from pathlib import Path
from typing import Any

import pytest
from openai import AsyncOpenAI, DefaultAsyncHttpxClient

from evenhand.gateway.tls import TlsFiles
from support.certificates import make_pair, replace, serial_of, trusting
from support.on_loop import run_on_loop
from support.scripted_engine import Answer, ScriptedEngine
from support.serve import ADMIN_KEY, KEY_A, Served, configuration, serving, spawn, url_engine

CHAT = {"model": "m", "messages": [{"role": "user", "content": "hello there"}], "max_tokens": 8}


def over_tls(engine_url: str, data: TlsFiles, admin: TlsFiles | None = None) -> dict[str, Any]:
    """A configuration with TLS on both listeners."""
    config = configuration(url_engine(engine_url), tls=section(data))
    config["admin"]["tls"] = section(admin or data)
    return config


def section(files: TlsFiles) -> dict[str, str]:
    return {"certificate": str(files.certificate), "key": str(files.key)}


async def serial_seen(host: str, port: int, trusted: ssl.SSLContext) -> str:
    """Which certificate a new connection is shown."""
    _, writer = await asyncio.open_connection(host, port, ssl=trusted)
    serial: str = writer.get_extra_info("peercert")["serialNumber"]
    writer.close()
    return serial


def test_the_sdk_talks_and_streams_and_admin_wants_its_credential(
    tmp_path: Path, pair: TlsFiles
) -> None:
    async def main() -> None:
        trusted = trusting(pair)
        async with (
            ScriptedEngine() as engine,
            serving(over_tls(engine.url, pair), folder=tmp_path) as served,
        ):
            served.tls = trusted
            await served.logged("engine", up=True)
            engine.default = Answer(tokens=3)
            async with AsyncOpenAI(
                base_url=f"https://localhost:{served.port}/v1",
                api_key=KEY_A,
                max_retries=0,
                http_client=DefaultAsyncHttpxClient(verify=trusted),
            ) as client:
                ask: dict[str, Any] = CHAT
                answer = await client.chat.completions.create(**ask)
                assert answer.choices[0].message.content == "w0 w1 w2 "
                stream = await client.chat.completions.create(**ask, stream=True)
                chunks = [chunk async for chunk in stream]
                assert "".join(c.choices[0].delta.content or "" for c in chunks) == "w0 w1 w2 "
            assert (await served.admin("/livez", key="none")).status == 200
            assert (await served.admin("/metrics", key="none")).status == 401
            metrics = (await served.admin("/metrics")).body.decode()
            for listener in ("data", "admin"):
                assert f'certificate_expiry_seconds{{listener="{listener}"}}' in metrics
            assert await served.stop() == 0
            assert served.lines[-1] | {"cut": 0, "event": "stopped"} == served.lines[-1]

    run_on_loop(main)


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")
def test_curl_verifies_us_and_is_told_when_it_forgets_the_s(tmp_path: Path, pair: TlsFiles) -> None:
    async def main() -> None:
        async with (
            ScriptedEngine() as engine,
            serving(over_tls(engine.url, pair), folder=tmp_path) as served,
        ):
            await served.logged("engine", up=True)
            where = f"127.0.0.1:{served.port}/v1/models"
            status, body = await curl(f"https://{where}", "--cacert", str(pair.certificate))
            assert (status, b'"m"' in body) == (0, True)
            status, body = await curl(f"http://{where}")
            assert (status, b"https://" in body) == (0, True)
            status, _ = await curl(f"https://{where}")
            assert status == 60, "curl does not know the certificate"

    run_on_loop(main)


async def curl(url: str, *options: str) -> tuple[int, bytes]:
    process = await asyncio.create_subprocess_exec(
        *("curl", "-sS", "--max-time", "15", "-H", f"Authorization: Bearer {KEY_A}"),
        *(*options, url),
        stdout=PIPE,
        stderr=PIPE,
    )
    body, _ = await process.communicate()
    assert process.returncode is not None
    return process.returncode, body


@pytest.mark.parametrize("by_signal", [True, False])
def test_a_renewed_pair_is_taken_while_a_stream_goes_on(tmp_path: Path, by_signal: bool) -> None:
    async def main() -> None:
        data, admin = make_pair(tmp_path, "data"), make_pair(tmp_path, "admin")
        new_data, new_admin = make_pair(tmp_path, "data-2"), make_pair(tmp_path, "admin-2")
        trusted = trusting(data, admin, new_data, new_admin)
        wanted = [serial_of(new_data), serial_of(new_admin)]
        async with (
            ScriptedEngine() as engine,
            serving(over_tls(engine.url, data, admin), folder=tmp_path) as served,
        ):
            served.tls = trusted
            await served.logged("engine", up=True)
            engine.default = Answer(tokens=4, gated=True)
            stream = await served.stream(CHAT)
            request = await engine.received(1)
            request.step()
            await stream.event()
            replace(data, new_data)
            replace(admin, new_admin)
            if by_signal:
                served.signal(signal.SIGHUP)
            for listener in ("data", "admin"):
                await served.logged("tls_reloaded", listener=listener)
            request.release()
            assert (await stream.events())[-1] == b"[DONE]"
            await stream.close()
            seen = [
                await serial_seen(served.host, served.port, trusted),
                await serial_seen(served.admin_host, served.admin_port, trusted),
            ]
            assert seen == wanted
            assert await served.stop() == 0

    run_on_loop(main)


def test_a_broken_pair_is_refused_whole_and_the_old_one_serves_on(tmp_path: Path) -> None:
    async def main() -> None:
        pair, other = make_pair(tmp_path, "pair"), make_pair(tmp_path, "other")
        trusted, before = trusting(pair), serial_of(pair)
        async with serving(over_tls("http://127.0.0.1:1", pair), folder=tmp_path) as served:
            served.tls = trusted
            other.key.rename(pair.key)
            served.signal(signal.SIGHUP)
            line = await served.logged("tls_reload_failed", listener="data")
            assert "does not belong to" in line["reason"]
            assert await serial_seen(served.host, served.port, trusted) == before
            assert (await served.get("/v1/models")).status == 200
            assert await served.stop() == 0
            # A new start has no old one to go on with, and says so.
            process = await spawn("serve", str(tmp_path / "evenhand.yaml"))
            _, said = await process.communicate()
            assert process.returncode == 1
            assert b"tls.key: does not belong to" in said
            assert b"admin.tls.key: does not belong to" in said

    run_on_loop(main)


def test_sighup_without_tls_changes_nothing(tmp_path: Path) -> None:
    async def main() -> None:
        config = configuration(url_engine("http://127.0.0.1:1"))
        async with serving(config, folder=tmp_path) as served:
            served.signal(signal.SIGHUP)
            await served.logged("reload_without_effect")
            assert (await served.get("/v1/models")).status == 200
            assert await served.stop() == 0

    run_on_loop(main)


def test_the_drain_ends_a_stream_inside_tls_with_an_error(tmp_path: Path, pair: TlsFiles) -> None:
    async def main() -> None:
        async with ScriptedEngine() as engine:
            config = over_tls(engine.url, pair) | {"limits": {"drain_s": 0.05}}
            async with serving(config, folder=tmp_path) as served:
                served.tls = trusting(pair)
                await served.logged("engine", up=True)
                engine.default = Answer(tokens=5, hang_after_tokens=1)
                stream = await served.stream(CHAT)
                await engine.received(1)
                await stream.event()
                served.signal(signal.SIGTERM)
                events = await stream.events()
                assert b'"code":"shutting_down"' in events[-1]
                await stream.close()
                assert await served.ended() == 0

    run_on_loop(main)


def test_a_person_is_shown_https(tmp_path: Path, pair: TlsFiles) -> None:
    async def main() -> None:
        async with serving(over_tls("http://127.0.0.1:1", pair), folder=tmp_path) as announced:
            assert await announced.stop() == 0
        process = await spawn("serve", str(tmp_path / "evenhand.yaml"))
        assert process.stderr is not None
        said = b""
        while b"admin: " not in said:
            line = await process.stderr.readline()
            assert line, said
            said += line
        process.terminate()
        await process.communicate()
        assert b"  clients: https://127.0.0.1:" in said
        assert b"  admin:   https://127.0.0.1:" in said

    run_on_loop(main)


def test_hundreds_of_failed_handshakes_write_no_line(tmp_path: Path, pair: TlsFiles) -> None:
    async def main() -> None:
        async with serving(over_tls("http://127.0.0.1:1", pair), folder=tmp_path) as served:
            served.tls = trusting(pair)
            before = await _settled(served)
            for port in (served.port, served.admin_port) * 100:
                reader, writer = await asyncio.open_connection("127.0.0.1", port)
                writer.write(b"\x16\x03\x01\x00\x05hello")
                await reader.read()
                writer.close()
            metrics = await served.admin("/metrics", key=ADMIN_KEY)
            for listener in ("data", "admin"):
                line = f'handshakes_failed_total{{listener="{listener}"}} 100.0'
                assert line in metrics.body.decode()
            assert await served.stop() == 0
            after = [line["event"] for line in served.lines[before:]]
            assert set(after) <= {"engine", "draining", "stopped"}
            assert not [line for line in served.raw_stderr if not line.startswith(b"{")]

    run_on_loop(main)


async def _settled(served: Served) -> int:
    """Log lines, once it has told that its engine is down."""
    await served.logged("started")
    return len(served.lines)
