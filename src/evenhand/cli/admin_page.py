"""Asks a running gateway's admin listener for a page, as the configuration says where and who."""

import ssl
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from typing import Any, Final

import orjson

from evenhand.cli.config import Address, Admin, Secret

_TIMEOUT_S: Final = 10.0
_PAGE_BYTES_MAX: Final = 16 << 20
_ANYWHERE: Final = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - what is listened on, not us
"""Whoever listens on every address is met on the loopback one."""


class AdminPageError(Exception):
    """There is no such page to be had; the message says why, and what to do."""


def fetch(
    admin: Admin,
    path: str,
    credential: Secret | None,
    *,
    method: str = "GET",
    body: object = None,
) -> dict[str, Any]:
    """Get one JSON page, or what a change answers. Raises AdminPageError."""
    address = admin.listen
    if address.port == 0:
        raise AdminPageError(
            "admin.listen has port 0, so the system picks it: give it a port of its own, then"
            " restart the gateway"
        )
    headers = {} if credential is None else {"Authorization": f"Bearer {credential.reveal()}"}
    try:
        connection = _connection(admin)
    except OSError as error:
        message = f"admin.tls.certificate cannot be used ({error}): see `evenhand check`"
        raise AdminPageError(message) from None
    try:
        connection.request(method, path, None if body is None else orjson.dumps(body), headers)
        answer = connection.getresponse()
        status, body = answer.status, answer.read(_PAGE_BYTES_MAX + 1)
    except (OSError, HTTPException) as error:
        reason = str(error) or type(error).__name__
        raise AdminPageError(
            f"no gateway answers at {address} ({reason}): start it with `evenhand serve`, or name"
            " the configuration that it runs with"
        ) from None
    finally:
        connection.close()
    page = _document(body, address)
    if status == 200:
        return page
    raise AdminPageError(_refusal(status, page, address))


def _connection(admin: Admin) -> HTTPConnection:
    """The one place that knows how the admin listener is reached."""
    address = admin.listen
    host = _ANYWHERE.get(address.host, address.host)
    if admin.tls is None:
        return HTTPConnection(host, address.port, timeout=_TIMEOUT_S)
    # Whoever has the certificate that the configuration names is the listener, by whatever name or
    # address it is reached, and whoever signed it.
    trust = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    trust.check_hostname = False
    trust.load_verify_locations(admin.tls.certificate)
    trust.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    return HTTPSConnection(host, address.port, timeout=_TIMEOUT_S, context=trust)


def _document(body: bytes, address: Address) -> dict[str, Any]:
    try:
        page = orjson.loads(body)
    except orjson.JSONDecodeError:
        page = None
    if not isinstance(page, dict):
        raise AdminPageError(
            f"what answers at {address} is not Evenhand's admin listener: check admin.listen"
        )
    return page


def _refusal(status: int, page: dict[str, Any], address: Address) -> str:
    if status == 401:
        return (
            f"the gateway at {address} refuses the credential: name the configuration, and give"
            " the environment, that it was started with (admin.credential)"
        )
    error = page.get("error")
    message = error.get("message") if isinstance(error, dict) else None
    return f"{message or 'no reason was given'} (status {status} from {address})"
