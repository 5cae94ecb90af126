"""Whatever answers where an issuer's keys should be, and whatever its name has come to stand for:
nothing but its keys is believed, and nobody else is asked."""

import asyncio
import socket
from typing import Any

import pytest

from evenhand.cli.config.identity import _parse_keys_url
from evenhand.gateway.tokens import KeyWatch, NoKeysError, UrlSource, key_watch
from evenhand.gateway.tokens.key_set import BYTES_MAX
from support.issuer import Provider, publishing
from support.on_loop import run_on_loop
from support.tokens import ED, RSA, jwk, jwks


@pytest.mark.parametrize(
    ("raw", "why"),
    [
        (
            b"HTTP/1.1 302 Found\r\nlocation: http://127.0.0.1:1/\r\ncontent-length: 0\r\n\r\n",
            "302",
        ),
        (b"HTTP/1.1 401 No\r\ncontent-length: 0\r\n\r\n", "401"),
        (b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{}", "broke"),
        (b"SSH-2.0-x\r\n", "HTTP"),
        (b"", "closed"),
        (b"HTTP/1.1 200 OK\r\n\r\n" + b"x" * (BYTES_MAX + 1), "more than"),
        (b"HTTP/1.1 200 OK\r\n" + b"x: y\r\n" * 60_000, "more than"),
    ],
)
def test_what_is_no_plain_answer_is_no_key(raw: bytes, why: str) -> None:
    async def main() -> None:
        async with publishing(b"") as provider:
            provider.raw = raw
            with pytest.raises(NoKeysError, match=why):
                await UrlSource(provider.url).read()
            assert len(provider.asked) == 1, "no redirect is followed"
            assert b"authorization" not in provider.asked[0].lower()

    run_on_loop(main)


def test_chunks_are_put_together() -> None:
    async def main() -> None:
        async with publishing(b"") as provider:
            provider.raw = (
                b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n"
            )
            assert await UrlSource(provider.url).read() == b"{}"

    run_on_loop(main)


@pytest.mark.parametrize("address", ["169.254.169.254", "0.0.0.0", "224.0.0.1", "fe80::1%1"])
def test_a_name_that_has_come_to_stand_for_something_else_is_not_connected_to(
    address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def main() -> None:
        loop = asyncio.get_running_loop()

        async def lying(*_: Any, **__: Any) -> Any:
            return [(socket.AF_INET, socket.SOCK_STREAM, 0, "", (address, 443))]

        monkeypatch.setattr(loop, "getaddrinfo", lying)
        with pytest.raises(NoKeysError, match="where no engine can be"):
            await UrlSource("https://login.example.org/keys").read()

    asyncio.run(main())


@pytest.mark.parametrize(
    "url",
    [
        "http://login.example.org/keys",
        "http://10.0.0.1/keys",
        "https://169.254.169.254/latest",
        "https://user:password@login.example.org/",
        "https://login.example.org/#a",
        "https://login.example.org\\@evil.example/",
        "https://2852039166/",
        "https://127.1/",
        "https://login.example.org:0/",
        "https://login.example.org:99999/",
        "https:///keys",
        "file:///etc/passwd",
        "ftp://login.example.org/",
        "//login.example.org/keys",
        "https://login.example.org/a b",
        "https://login.example.org/\r\nx: y",
        "https://[fe80::1]/",
        "",
    ],
)
def test_such_a_url_gets_into_no_configuration(url: str) -> None:
    with pytest.raises(ValueError, match=r"must be an https URL|address, where no issuer can be"):
        _parse_keys_url(url)


@pytest.mark.parametrize(
    "url", ["https://login.example.org/a/b?x=1", "http://127.0.0.1:8/keys", "http://localhost/k"]
)
def test_such_a_url_does(url: str) -> None:
    assert _parse_keys_url(url) == url


def test_however_often_an_unknown_key_is_asked_for_the_issuer_is_asked_once_in_a_while(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def main(provider: Provider) -> None:
        changed = asyncio.Event()
        told: list[str | None] = []
        watch = KeyWatch(UrlSource(provider.url), on_change=changed.set, told=told.append)
        monkeypatch.setattr(key_watch, "AGAIN_S_MIN", 0.2)
        watch.start()
        await changed.wait()
        changed.clear()
        for _ in range(1_000):
            watch.want()
        await asyncio.sleep(0.05)
        assert watch.readings == 1
        provider.document = jwks(jwk(ED, "ed"))
        await changed.wait()
        assert watch.readings == 2
        assert watch.keys.find("ed", watch._now_s()) is not None
        assert watch.keys.find("rsa", watch._now_s()) is not None, "for a while"
        provider.raw = b"HTTP/1.1 500 No\r\ncontent-length: 0\r\n\r\n"
        for _ in range(3):
            await watch.read()
        assert told == ["answered with status 500"], "once, not each time"
        assert watch.keys.find("ed", watch._now_s()) is not None
        provider.raw = None
        await watch.read()
        assert told[-1] is None
        watch.stop()

    async def with_provider() -> None:
        async with publishing(jwks(jwk(RSA, "rsa"))) as provider:
            await main(provider)

    run_on_loop(with_provider)
