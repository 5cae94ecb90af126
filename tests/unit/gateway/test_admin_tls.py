"""The admin listener inside TLS: the same pages, the same credential, the same end."""

import asyncio
import ssl
from pathlib import Path

import pytest

from evenhand.gateway.admin import AdminServer, connection
from evenhand.gateway.tls import Certificate, TlsFiles
from evenhand.telemetry import RequestLog
from support.admin import PlainStatus, app_of, served
from support.certificates import make_pair, replace, serial_of, trusting
from support.on_loop import run_on_loop

CREDENTIAL = "adm-credential-0123456789"


def certificate_of(files: TlsFiles) -> Certificate:
    log = RequestLog(lambda _: None)
    made = Certificate("admin", files, log)
    log.close()
    return made


def test_pages_and_credential_are_as_without(pair: TlsFiles) -> None:
    async def main() -> None:
        app = app_of(PlainStatus(), credential=CREDENTIAL, tenants_max=10)
        async with served(app, certificate=certificate_of(pair), tls=trusting(pair)) as client:
            assert (await client.ask("/livez")).json == {"alive": True}
            assert (await client.ask("/state")).status == 401
            state = await client.ask("/state", f"Bearer {CREDENTIAL}")
            assert state.json["version"] == "1.2.3"
            metrics = await client.ask("/metrics", f"Bearer {CREDENTIAL}")
            assert b"evenhand_build_info" in metrics.body

    run_on_loop(main)


def test_plain_http_gets_nothing_and_the_next_client_is_served(pair: TlsFiles) -> None:
    async def main() -> None:
        certificate = certificate_of(pair)
        app = app_of(PlainStatus(), credential=None, tenants_max=10)
        async with served(app, certificate=certificate, tls=trusting(pair)) as client:
            reader, writer = await asyncio.open_connection(client.host, client.port)
            writer.write(b"GET /livez HTTP/1.1\r\nhost: localhost\r\n\r\n")
            assert b"HTTP" not in await reader.read()
            writer.close()
            assert (await client.ask("/livez")).status == 200
            assert certificate.handshakes_failed == 1

    run_on_loop(main)


def test_the_next_connection_sees_the_new_pair(tmp_path: Path) -> None:
    async def main() -> None:
        old, new = make_pair(tmp_path, "old"), make_pair(tmp_path, "new")
        serials = [serial_of(old), serial_of(new)]
        certificate, trusted = certificate_of(old), trusting(old, new)
        server = AdminServer(
            app_of(PlainStatus(), credential=None, tenants_max=10),
            "127.0.0.1",
            0,
            certificate=certificate,
        )
        host, port = await server.start()
        seen = []
        for _ in range(2):
            _, writer = await asyncio.open_connection(host, port, ssl=trusted)
            seen.append(writer.get_extra_info("peercert")["serialNumber"])
            writer.close()
            if old.certificate.exists() and new.certificate.exists():
                replace(old, new)
                certificate.reload()
        await server.stop()
        assert seen == serials

    run_on_loop(main)


def test_a_silent_client_is_cut_and_does_not_hold_up_the_stop(
    pair: TlsFiles, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def main() -> None:
        app = app_of(PlainStatus(), credential=None, tenants_max=10)
        server = AdminServer(app, "127.0.0.1", 0, certificate=certificate_of(pair))
        host, port = await server.start()
        monkeypatch.setattr(connection, "LIFE_S_MAX", 0.02)
        reader, writer = await asyncio.open_connection(host, port)
        assert await reader.read() == b""
        writer.close()
        monkeypatch.setattr(connection, "LIFE_S_MAX", 60)
        reader, writer = await asyncio.open_connection(host, port)
        silent = asyncio.create_task(reader.read())
        trusted: ssl.SSLContext = trusting(pair)
        idle_reader, idle_writer = await asyncio.open_connection(host, port, ssl=trusted)
        await server.stop()
        assert await silent == b""
        assert await idle_reader.read() == b""
        writer.close()
        idle_writer.close()
        assert asyncio.all_tasks() == {asyncio.current_task()}

    run_on_loop(main)
