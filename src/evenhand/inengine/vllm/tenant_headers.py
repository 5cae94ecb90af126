"""Without a gateway: whose a request is, by its API key or by a header, told to the scheduler.

vllm serve ... --middleware evenhand.inengine.vllm.TenantHeaders

Stands before vLLM's own HTTP handlers and writes what it finds into the body's `vllm_xargs`, the one
place that reaches the scheduler; what a client has written there in its stead is taken out. Settings are
those of the environment variable EVENHAND_INENGINE, which the scheduler reads too.
"""

import hashlib
import json
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from evenhand.inengine.settings import InEngineSettings, InEngineSettingsError, path_of
from evenhand.inengine.settings_document import VARIABLE, document_of, secret_of
from evenhand.wire.engine_hints import PREFIX, SEAL, TENANT, seal

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[MutableMapping[str, Any], Receive, Send], Awaitable[None]]

_ARGUMENTS = "vllm_xargs"


class TenantHeaders:
    """An ASGI middleware. Raises InEngineSettingsError where there is nothing to go by."""

    def __init__(self, app: App, settings: InEngineSettings | None = None) -> None:
        self._app = app
        found = InEngineSettings.of(document_of(None)) if settings is None else settings
        if not found.keys and found.header is None:
            raise InEngineSettingsError(
                f"evenhand: TenantHeaders has nothing to go by. Give the settings in {VARIABLE} `keys`,"
                " as {SHA256 of an API key: tenant}, or a `header` that names the tenant."
            )
        self._keys = found.keys
        self._header = None if found.header is None else found.header.lower().encode()
        self._secret = None if found.hints_secret is None else secret_of(found.hints_secret)

    async def __call__(self, scope: MutableMapping[str, Any], receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["method"] != "POST":
            await self._app(scope, receive, send)
            return
        headers = dict(scope["headers"])
        if b"json" not in headers.get(b"content-type", b"json"):
            await self._app(scope, receive, send)
            return
        body = await _whole(receive)
        if body is None:
            return  # the client has left
        told = self._told(body, self._tenant(headers))
        length = (b"content-length", str(len(told)).encode())
        kept = [header for header in scope["headers"] if header[0] != b"content-length"]
        scope = {**scope, "headers": [*kept, length]}
        await self._app(scope, _given(told, receive), send)

    def _tenant(self, headers: dict[bytes, bytes]) -> str | None:
        """The key's, else the header's; None: nobody in particular."""
        if self._keys:
            kind, _, key = headers.get(b"authorization", b"").partition(b" ")
            given = key if kind.lower() == b"bearer" else headers.get(b"x-api-key", b"")
            tenant = self._keys.get(hashlib.sha256(given.strip()).hexdigest())
            if tenant is not None:
                return tenant
        if self._header is None:
            return None
        named = headers.get(self._header, b"").decode("latin-1")
        return named if path_of(named) is not None else None

    def _told(self, body: bytes, tenant: str | None) -> bytes:
        """The body with the tenant, and with nothing that a client has said of it. What is no object is
        handed on as it is: vLLM refuses it."""
        try:
            members = json.loads(body)
        except (ValueError, RecursionError):
            return body
        if not isinstance(members, dict):
            return body
        said = members.get(_ARGUMENTS, {} if tenant is not None else None)
        if not isinstance(said, dict):
            return body
        own = {name: value for name, value in said.items() if not name.startswith(PREFIX)}
        if tenant is not None:
            own[TENANT] = tenant
            if self._secret is not None:
                own[SEAL] = seal(own, self._secret)
        return json.dumps({**members, _ARGUMENTS: own}, separators=(",", ":")).encode()


async def _whole(receive: Receive) -> bytes | None:
    """The body, which vLLM itself would read whole. None: the client has left before its end."""
    parts = []
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            return None
        parts.append(message.get("body", b""))
        if not message.get("more_body", False):
            return b"".join(parts)


def _given(body: bytes, receive: Receive) -> Receive:
    """Gives the body once, then whatever else comes."""
    is_given = False

    async def give() -> Message:
        nonlocal is_given
        if is_given:
            return await receive()
        is_given = True
        return {"type": "http.request", "body": body, "more_body": False}

    return give
