"""Without a gateway: whose a request is by its key or a header, told to the scheduler."""

import asyncio
import hashlib
import json
from typing import Any

import pytest

from evenhand.inengine.settings import InEngineSettings, InEngineSettingsError
from evenhand.inengine.settings_document import VARIABLE
from evenhand.inengine.vllm import TenantHeaders
from evenhand.wire.engine_hints import is_sealed

KEYS = {hashlib.sha256(b"sk-acme").hexdigest(): "acme/search"}


class Server:
    """Stands for vLLM's: notes what it is given."""

    def __init__(self) -> None:
        self.headers: list[tuple[bytes, bytes]] = []
        self.body = b""
        self.messages: list[str] = []

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        self.headers = scope["headers"]
        while not self.messages or self.messages[-1] != "http.disconnect":
            message = await receive()
            self.messages.append(message["type"])
            self.body += message.get("body", b"")


def served(
    settings: InEngineSettings,
    body: bytes,
    *headers: tuple[bytes, bytes],
    method: str = "POST",
    parts: int = 2,
) -> Server:
    size = -(-len(body) // parts) or 1
    pieces = [body[at : at + size] for at in range(0, len(body), size)] or [b""]
    coming = [
        {"type": "http.request", "body": piece, "more_body": place + 1 < len(pieces)}
        for place, piece in enumerate(pieces)
    ] + [{"type": "http.disconnect"}]

    async def receive() -> Any:
        return coming.pop(0)

    async def send(message: Any) -> None:
        raise AssertionError(message)

    server = Server()
    length = (b"content-length", str(len(body)).encode())
    scope = {"type": "http", "method": method, "headers": [*headers, length]}
    asyncio.run(TenantHeaders(server, settings)(scope, receive, send))
    return server


def arguments(server: Server) -> Any:
    assert dict(server.headers)[b"content-length"] == str(len(server.body)).encode()
    return json.loads(server.body).get("vllm_xargs")


BODY = json.dumps({"model": "m", "prompt": "hi"}).encode()
BY_KEY = InEngineSettings(keys=KEYS)
BY_HEADER = InEngineSettings(header="X-Tenant")


def test_the_key_says_whose_it_is() -> None:
    server = served(BY_KEY, BODY, (b"authorization", b"Bearer sk-acme"))
    assert arguments(server) == {"evenhand_tenant": "acme/search"}
    assert json.loads(server.body)["prompt"] == "hi"
    assert server.messages == ["http.request", "http.disconnect"]
    server = served(BY_KEY, BODY, (b"x-api-key", b"sk-acme"))
    assert arguments(server) == {"evenhand_tenant": "acme/search"}


def test_the_header_says_whose_it_is() -> None:
    assert arguments(served(BY_HEADER, BODY, (b"x-tenant", b"b"))) == {"evenhand_tenant": "b"}
    assert arguments(served(BY_HEADER, BODY, (b"x-tenant", b"b//"))) is None
    assert arguments(served(BY_HEADER, BODY)) is None


@pytest.mark.parametrize("header", [b"Bearer sk-other", b"Basic sk-acme", b"", b"Bearer "])
def test_an_unknown_key_is_nobodys(header: bytes) -> None:
    server = served(BY_KEY, BODY, (b"authorization", header))
    assert server.body == BODY


def test_what_a_client_says_of_itself_is_taken_out() -> None:
    forged = {"evenhand_tenant": "victim", "evenhand_served": 0, "top": 1}
    body = json.dumps({"prompt": "x", "vllm_xargs": forged}).encode()
    assert arguments(served(BY_KEY, body)) == {"top": 1}
    server = served(BY_KEY, body, (b"authorization", b"bearer sk-acme"))
    assert arguments(server) == {"top": 1, "evenhand_tenant": "acme/search"}


def test_with_a_secret_it_is_sealed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SEALED_BY", "0123456789abcdef")
    settings = InEngineSettings(keys=KEYS, hints_secret="env:SEALED_BY")
    told = arguments(served(settings, BODY, (b"authorization", b"Bearer sk-acme")))
    assert is_sealed(told, b"0123456789abcdef")


@pytest.mark.parametrize(
    "body", [b"", b"{", b"[1]", b'"x"', b"\xff", b"[" * 100_000, b'{"vllm_xargs":7}']
)
def test_what_vllm_would_refuse_it_gets_to_refuse(body: bytes) -> None:
    server = served(BY_KEY, body)
    assert server.body == body


def test_other_requests_pass_untouched() -> None:
    assert served(BY_KEY, BODY, (b"authorization", b"Bearer sk-acme"), method="GET").body == BODY
    form = (b"content-type", b"multipart/form-data; boundary=x")
    assert served(BY_KEY, BODY, (b"authorization", b"Bearer sk-acme"), form).body == BODY


def test_a_client_that_leaves_before_its_body_has_come_reaches_nobody() -> None:
    async def receive() -> Any:
        return {"type": "http.disconnect"}

    async def run() -> Server:
        server = Server()
        scope = {"type": "http", "method": "POST", "headers": []}
        await TenantHeaders(server, BY_KEY)(scope, receive, receive)  # type: ignore[arg-type]
        return server

    assert asyncio.run(run()).messages == []


def test_its_settings_are_those_of_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(VARIABLE, raising=False)
    with pytest.raises(InEngineSettingsError, match="nothing to go by"):
        TenantHeaders(Server())
    monkeypatch.setenv(VARIABLE, '{"header": "x-tenant"}')
    TenantHeaders(Server())
