"""No request and no resolver makes the gateway connect to what is no engine, or ask what is not to be
asked."""

import asyncio
import socket
from typing import Any

import pytest

from evenhand.cli.config.url import parse_url
from evenhand.engines.http import ClientSettings, EngineAddress, EngineClient, Lost
from evenhand.engines.http.paths import POSTED, READ
from evenhand.gateway.apis import APIS, COUNTING
from support.answer_log import AnswerLog
from support.gateway import CHAT, Backend, gateway
from support.scripted_engine import Answer, ScriptedEngine

NEVER = [
    "169.254.169.254",
    "169.254.170.2",
    "0.0.0.0",
    "224.0.0.1",
    "239.255.255.250",
    "255.255.255.255",
    "240.0.0.1",
    "fe80::1",
    "ff02::1",
    "::",
    "::ffff:169.254.169.254",
    "::ffff:0.0.0.0",
    "fe80::1%1",
]
DISGUISED = [
    "http://2852039166",
    "http://0xA9FEA9FE",
    "http://0251.0376.0251.0376",
    "http://169.254.43518",
    "http://0xa9.0xfe.0xa9.0xfe",
    "http://169.254.169.254.",
    "http://[::ffff:a9fe:a9fe]",
    "http://[0:0:0:0:0:ffff:169.254.169.254]",
    "http://[fe80::1%25eth0]",
    "http://engine@169.254.169.254",
    "http://169.254.169.254#@engine",
    "http://169.254.169.254?@engine",
    "http://engine\\@169.254.169.254",
    "http://169.254.169.254:80\\.engine",
    "http://\u2460\u2465\u2468.254.169.254",
    "http://169\u3002254\u3002169\u3002254",
    "http://[::]",
    "http://0",
    "http://0.0.0.0:8000",
    "//169.254.169.254",
    "file:///etc/passwd",
    "ftp://169.254.169.254",
    "gopher://127.0.0.1:6379/_x",
    "unix:///run/docker.sock",
    "http+unix://%2Frun%2Fdocker.sock",
    "data:text/plain,x",
    "http://127.0.0.1:8000/v1/../../metadata",
]


class LyingResolver(asyncio.SelectorEventLoop):
    """A loop whose resolver says what the test wants of every name."""

    says: tuple[str, ...] = ()

    async def getaddrinfo(self, host: Any, port: Any, **_: Any) -> Any:
        """See the loop's."""
        del host
        return [
            (
                socket.AF_INET6 if ":" in address else socket.AF_INET,
                socket.SOCK_STREAM,
                0,
                "",
                (address, port),
            )
            for address in self.says
        ]


def connected(port: int, *says: str) -> tuple[Lost | None, str]:
    """What becomes of a request to a name that now stands for these addresses."""

    async def main(loop: LyingResolver) -> tuple[Lost | None, str]:
        log = AnswerLog()
        client = EngineClient(
            EngineAddress.parse(f"http://engine.internal:{port}"),
            ClientSettings(connect_timeout_ms=2_000, first_byte_timeout_ms=500),
            loop=loop,
        )
        attempt = client.get("/health", log)
        await log.over.wait()
        detail = attempt.detail
        await client.close()
        return log.lost, detail

    loop = LyingResolver()
    loop.says = says
    try:
        return loop.run_until_complete(main(loop))
    finally:
        loop.close()


@pytest.mark.parametrize("address", NEVER)
def test_a_name_that_has_come_to_stand_for_what_is_no_engine_is_not_connected_to(
    address: str,
) -> None:
    lost, detail = connected(80, address)
    assert lost is Lost.REFUSED
    assert "where no engine can be" in detail


def test_of_several_addresses_only_those_that_an_engine_can_have_are_tried() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port = listening.getsockname()[1]
        lost, _ = connected(port, "169.254.169.254", "127.0.0.1")
        assert lost is Lost.TIMED_OUT, "it was connected to, and nobody answered"
        listening.settimeout(5)
        listening.accept()[0].close()


@pytest.mark.parametrize("url", DISGUISED)
def test_no_disguise_of_such_an_address_gets_into_a_configuration(url: str) -> None:
    with pytest.raises(ValueError, match=r"must be a base URL|address, where no engine can be"):
        parse_url(url)


def test_a_redirect_is_a_failure_and_is_not_followed() -> None:
    async def main() -> None:
        async with ScriptedEngine() as engine, ScriptedEngine() as elsewhere:
            where = (("location", f"{elsewhere.url}/v1/chat/completions"),)
            for status in (301, 302, 303, 307, 308):
                engine.default = Answer(status=status, headers=where)
                async with gateway(Backend(engine)) as g:
                    assert (await g.post(CHAT)).status == 502
            assert elsewhere.connections_made == 0

    asyncio.run(main())


def test_no_proxy_of_the_environment_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    async def main() -> None:
        async with ScriptedEngine() as engine, ScriptedEngine() as proxy:
            for name in ("http_proxy", "HTTP_PROXY", "https_proxy", "all_proxy", "ALL_PROXY"):
                monkeypatch.setenv(name, proxy.url)
            async with gateway(Backend(engine)) as g:
                assert (await g.post(CHAT)).status == 200
            assert proxy.connections_made == 0

    asyncio.run(main())


@pytest.mark.parametrize(
    "path",
    [
        "/tokenize",
        "/invocations",
        "/pause",
        "/sleep",
        "/reset_prefix_cache",
        "/v1/load_lora_adapter",
        "/slots/0?action=erase",
        "/flush_cache",
        "/generate",
        "/v1/chat/completions/",
        "/v1/chat/completions?x=1",
        "/v1/../metrics",
    ],
)
def test_what_is_not_on_the_list_is_not_asked_of_an_engine(path: str) -> None:
    async def main() -> None:
        async with ScriptedEngine() as engine:
            client = EngineClient(EngineAddress.parse(engine.url), ClientSettings())
            with pytest.raises(ValueError, match="not asked"):
                client.post(path, b"{}", [], AnswerLog())
            with pytest.raises(ValueError, match="not asked"):
                client.get(path, AnswerLog())
            await client.close()
            if "?" not in path:  # clients' queries are dropped
                async with gateway(Backend(engine)) as g:
                    assert (await g.post(CHAT, path=path)).status == 404
            assert engine.connections_made == 0

    asyncio.run(main())


def test_clients_requests_go_where_clients_may_ask_and_nowhere_else() -> None:
    assert {*APIS, COUNTING.path} == POSTED
    assert not POSTED & READ
